#include "ops.h"

torch::Tensor norm(torch::Tensor input) { return input; }
