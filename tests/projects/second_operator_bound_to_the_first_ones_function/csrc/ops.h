#pragma once
#include <torch/library.h>

torch::Tensor supports_fp8(const torch::Tensor& input);
torch::Tensor supports_block_fp8(const torch::Tensor& input);
