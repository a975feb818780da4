#include "../ops.h"

torch::Tensor marlin(const torch::Tensor& input) { return input; }
