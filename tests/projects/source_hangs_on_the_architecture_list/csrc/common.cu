#include "ops.h"

torch::Tensor scaled_mm(const torch::Tensor& input) { return input; }
