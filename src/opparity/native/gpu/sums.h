// The int32 sums of a product of int8 matrices: docs/numerics.md, section 14.
#pragma once

#include "native/gpu/memory.h"

namespace {

// Neighbours in a row of sums, from a column of the input on, times their row's and then their
// column's scale; not rounded to the input's type yet.
template <int kCount>
OPPARITY_FUNCTION void load_sums(const KernelArguments& arguments, uint32_t token, uint32_t column,
                                 uint32_t count, Number (&numbers)[kCount]) {
  constexpr int64_t kBytes = 4;
  const char* sums = arguments.input + token * arguments.input_row_bytes + column * kBytes;
  const float* scales = arguments.weight_scales + column;
  const Number of_row = arguments.token_scales[arguments.first_token + token];
  uint32_t words[kCount], of_columns[kCount];
  if constexpr (kIsUnaligned) {
    // What is computed of those behind the row's end is cleared with their products.
#pragma unroll
    for (int i = 0; i < kCount; ++i) {
      const bool is_inside = static_cast<uint32_t>(i) < count;
      words[i] = is_inside ? reinterpret_cast<const uint32_t*>(sums)[i] : 0;
      of_columns[i] = is_inside ? bits_of(scales[i]) : 0;
    }
  } else {
    load_words(words, sums);
    load_words(of_columns, reinterpret_cast<const char*>(scales));
  }
#pragma unroll
  for (int i = 0; i < kCount; ++i) {
    const Number sum = static_cast<Number>(static_cast<int32_t>(words[i]));
    numbers[i] = (sum * of_row) * number_of(of_columns[i]);
  }
}

}  // namespace
