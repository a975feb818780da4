#pragma once

#include <torch/all.h>

void silu_and_mul(torch::Tensor& out, torch::Tensor const& input);

void silu_and_mul_per_block_quant(torch::Tensor& out, torch::Tensor const& input,
                                  torch::Tensor& scales, int64_t group_size);
