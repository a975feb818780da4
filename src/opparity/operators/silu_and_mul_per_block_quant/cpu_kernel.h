// What cpu_operator.cpp hands to the kernel of the capability that it chose.
#pragma once

#include <cstdint>

#include "operators/silu_and_mul_per_block_quant/types.h"

namespace opparity::silu_and_mul_per_block_quant {

struct Arguments {
  const void* input;
  int64_t input_row_stride;
  uint8_t* out;
  int64_t out_row_stride;
  float* scales;
  int64_t scale_token_stride;
  int64_t scale_group_stride;
  int64_t hidden_size;
  int64_t group_size;
  InputType input_type;
  ValueType value_type;
  bool rounds_to_input_type;
  // Read SiLU of 16-bit gates from a table.
  bool looks_up_silu;
  bool has_scale_bound;
  float scale_bound;
};

// Computes the groups [begin, end), counted token by token.
using Kernel = void (*)(const Arguments&, int64_t begin, int64_t end);

void baseline(const Arguments&, int64_t begin, int64_t end);
void avx2(const Arguments&, int64_t begin, int64_t end);
void avx512(const Arguments&, int64_t begin, int64_t end);

}  // namespace opparity::silu_and_mul_per_block_quant
