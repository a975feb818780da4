// The checked arguments of silu_and_mul_per_block_quant, whichever device they are on.
#pragma once

#include <torch/csrc/stable/tensor.h>

#include <cstdint>
#include <optional>
#include <string>

#include "operators/silu_and_mul_per_block_quant/types.h"

namespace opparity::silu_and_mul_per_block_quant {

// Strides are counted in elements.
struct Checked {
  const void* input;
  void* out;
  float* scales;
  // nullptr for none.
  const float* scale_bound;
  int device;
  int64_t num_tokens;
  int64_t hidden_size;
  int64_t group_size;
  int64_t input_row_stride;
  int64_t out_row_stride;
  int64_t scale_token_stride;
  int64_t scale_group_stride;
  InputType input_type;
  ValueType value_type;
  bool rounds_to_input_type;
};

// Throws std::runtime_error for whatever shapes.py and memory.py refuse, with the same words.
Checked check(const torch::stable::Tensor& out, const torch::stable::Tensor& input,
              const torch::stable::Tensor& scales, int64_t group_size,
              const std::optional<torch::stable::Tensor>& scale_ub, bool is_scale_transposed,
              const std::string& intermediate);

}  // namespace opparity::silu_and_mul_per_block_quant
