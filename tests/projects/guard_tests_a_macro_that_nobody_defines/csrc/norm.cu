#include "ops.h"

torch::Tensor norm(const torch::Tensor& input) { return input; }
