#include "launch.h"

torch::Tensor banded::launch(torch::Tensor query) { return query; }
