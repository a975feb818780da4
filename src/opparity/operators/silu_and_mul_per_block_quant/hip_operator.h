// silu_and_mul_per_block_quant on AMD GPUs.
#pragma once

#include <torch/csrc/stable/tensor.h>

#include <cstdint>
#include <optional>

#include "operators/silu_and_mul_per_block_quant/checks.h"

namespace opparity::silu_and_mul_per_block_quant {

// Launches the precompiled kernel on torch's current stream. The arguments have been checked.
void run_on_hip(const torch::stable::Tensor& out, const torch::stable::Tensor& input,
                const torch::stable::Tensor& scales,
                const std::optional<torch::stable::Tensor>& scale_ub, const Checked& checked,
                int64_t group_size);

}  // namespace opparity::silu_and_mul_per_block_quant
