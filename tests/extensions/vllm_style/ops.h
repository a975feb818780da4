// What torch_bindings.cpp registers: declared for every platform, whichever sources are built.
#pragma once

#include <torch/csrc/stable/tensor.h>

#include <cstdint>

void silu_and_mul(torch::stable::Tensor out, const torch::stable::Tensor input);

void silu_and_mul_per_block_quant(torch::stable::Tensor out, const torch::stable::Tensor input,
                                  torch::stable::Tensor scales, int64_t group_size);
