#include "ops.h"

torch::Tensor supports_fp8(const torch::Tensor& input) { return input; }

torch::Tensor supports_block_fp8(const torch::Tensor& input) { return input; }
