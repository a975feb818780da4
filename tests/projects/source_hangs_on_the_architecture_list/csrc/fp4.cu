#include "ops.h"

torch::Tensor fp4_mm(const torch::Tensor& input) { return input; }
