// The launch of the AMD kernels as pure functions of the shape: which kernel, and how many programs
// of how many threads. hip_kernels.py compiles them; tests/native compares the two.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "operators/silu_and_mul_per_block_quant/types.h"

namespace opparity::silu_and_mul_per_block_quant::hip {

// The kernel's parameters, laid out as the code objects say. Strides count elements.
struct Arguments {
  void* out;
  const void* input;
  float* scales;
  // Any address where has_bound is 0.
  const float* scale_bound;
  int32_t hidden_size;
  int32_t num_groups;
  int32_t programs_per_token;
  int32_t has_bound;
  int64_t input_row_stride;
  int64_t out_row_stride;
  int64_t scale_token_stride;
  int64_t scale_group_stride;
  // Triton's, for kernels that ask for memory of their own; these do not.
  void* global_scratch;
  void* profile_scratch;
};
static_assert(sizeof(Arguments) == 96);

enum class Shape { kWide, kNarrow, kUnaligned };

constexpr int kGroupSizes[] = {16, 32, 64, 128, 256};
// What the kernels need at most. They are given it all: it is allocated in pieces of at least 512.
constexpr uint32_t kSharedBytes = 256;
// Columns are counted in 31 bits, and the last program may reach beyond the row.
constexpr int64_t kMostColumns = int64_t{1} << 30;
// HIP counts a grid's threads in 32 bits.
constexpr int64_t kMostThreads = (int64_t{1} << 32) - 1;

constexpr int64_t elements_of_a_program(Shape shape) {
  return shape == Shape::kNarrow ? 256 : 1024;
}

// The lanes beyond the end of a row do nothing: narrow programs where they would be more than an
// eighth of it. Arithmetic, not measured: nobody has run this on an AMD GPU.
constexpr Shape choose_shape(int64_t hidden_size, bool aligned) {
  if (!aligned) return Shape::kUnaligned;
  const int64_t wide = elements_of_a_program(Shape::kWide);
  const int64_t idle = (wide - hidden_size % wide) % wide;
  return idle * 8 > hidden_size ? Shape::kNarrow : Shape::kWide;
}

constexpr int64_t programs_of_a_token(Shape shape, int64_t hidden_size) {
  const int64_t elements = elements_of_a_program(shape);
  return (hidden_size + elements - 1) / elements;
}

// Eight elements a thread, and at least one whole wave.
constexpr uint32_t threads_of_a_program(Shape shape, uint32_t wave_size) {
  return std::max(wave_size, static_cast<uint32_t>(elements_of_a_program(shape) / 8));
}

// How many tokens one launch may have.
constexpr int64_t most_tokens(int64_t programs_per_token, uint32_t threads) {
  return std::max<int64_t>(1, kMostThreads / threads / programs_per_token);
}

constexpr size_t kernel_index(InputType input, ValueType value, bool rounds, int64_t group_size,
                              Shape shape) {
  // float32 has nothing to round to, and comes last.
  const bool rounded = rounds && input != InputType::kFloat32;
  size_t index = static_cast<size_t>(input) * 2 + (rounded ? 1 : 0);
  index = index * 3 + static_cast<size_t>(value);
  index = index * 5 + static_cast<size_t>(std::countr_zero(static_cast<uint64_t>(group_size)) - 4);
  return index * 3 + static_cast<size_t>(shape);
}

// The names of hip_kernels.py, at their kernel_index.
inline std::vector<std::string> kernel_names() {
  std::vector<std::string> names;
  for (const std::string input : {"Float16", "BFloat16", "Float32"}) {
    for (const std::string mode : {"exact", "rounded"}) {
      if (input == "Float32" && mode == "rounded") continue;
      for (const char* value : {"Float8E4M3FN", "Float8E4M3FNUZ", "Int8"}) {
        for (const int group_size : kGroupSizes) {
          for (const char* shape : {"Wide", "Narrow", "Unaligned"}) {
            names.push_back(input + "_" + value + "_" + mode + "_" + std::to_string(group_size) +
                            "_" + shape);
          }
        }
      }
    }
  }
  return names;
}

}  // namespace opparity::silu_and_mul_per_block_quant::hip
