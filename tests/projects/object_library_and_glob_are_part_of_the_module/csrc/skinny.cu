#include "ops.h"

torch::Tensor skinny(const torch::Tensor& input) { return input; }
