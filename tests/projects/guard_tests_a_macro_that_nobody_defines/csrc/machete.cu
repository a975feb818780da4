#include "ops.h"

torch::Tensor machete(const torch::Tensor& input) { return input; }
