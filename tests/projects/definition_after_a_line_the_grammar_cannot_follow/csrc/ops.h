#pragma once
#include <torch/library.h>

torch::Tensor swap_blocks(const torch::Tensor& input);
