#include "ops.h"

torch::Tensor sum(torch::Tensor input) { return input; }
