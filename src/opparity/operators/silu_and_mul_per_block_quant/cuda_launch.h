// The launch of the NVIDIA kernel as pure functions of the shape: which kernel, how many threads,
// and the divisor that its index arithmetic needs. tests/native has them run.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "operators/silu_and_mul_per_block_quant/types.h"

namespace opparity::silu_and_mul_per_block_quant {

// The kernel's one parameter; cuda_kernel.cu has the same record.
struct CudaArguments {
  const char* input;
  char* out;
  float* scales;
  const float* scale_bound;
  int64_t input_row_bytes;
  int64_t out_row_bytes;
  int64_t scale_token_stride;
  int64_t scale_group_stride;
  uint32_t row_pieces;
  uint32_t pieces;
  uint32_t multiplier;
  uint32_t shift;
};
static_assert(sizeof(CudaArguments) == 80);

enum class Shape { kLarge, kSmall, kUnaligned };

constexpr int kGroupSizes[] = {16, 32, 64, 128, 256};
// Below it four elements a thread were faster than sixteen on an H100: by 20 % at 1 x 7168, even at
// 128 x 7168 and 64 x 14336, and slower from 256 x 7168 on.
constexpr int64_t kFewElements = int64_t{1} << 20;
constexpr uint32_t kThreads = 128;
constexpr int64_t kMostPieces = (int64_t{1} << 31) - 1;
constexpr int64_t kMostRows = 65535;

constexpr Shape choose_shape(int64_t num_tokens, int64_t hidden_size, bool aligned) {
  if (!aligned) return Shape::kUnaligned;
  // A row of one piece would need a division by 1, whose multiplier has 33 bits.
  const bool few = num_tokens * hidden_size < kFewElements || hidden_size <= 16;
  return few ? Shape::kSmall : Shape::kLarge;
}

constexpr int64_t elements_of_a_thread(Shape shape, int64_t group_size) {
  if (shape == Shape::kLarge) return 16;
  return group_size > 128 ? 8 : 4;
}

// How many tokens one launch may have: pieces are counted in 31 bits, a grid's rows in 16.
constexpr int64_t most_tokens(Shape shape, int64_t row_pieces) {
  return shape == Shape::kLarge ? kMostPieces / row_pieces : kMostRows;
}

struct Division {
  uint32_t multiplier;
  uint32_t shift;
};

// piece / divisor == (piece * multiplier) >> (32 + shift) for every piece below 2^31 and divisor
// above 1 (Granlund and Montgomery, "Division by invariant integers using multiplication", 1994).
constexpr Division division_by(uint32_t divisor) {
  const uint32_t shift = static_cast<uint32_t>(std::bit_width(divisor - 1)) - 1;
  const uint64_t power = uint64_t{1} << (32 + shift);
  return {static_cast<uint32_t>((power + divisor - 1) / divisor), shift};
}

constexpr size_t kernel_index(InputType input, ValueType value, bool rounds, int64_t group_size,
                              Shape shape) {
  // float32 has nothing to round to.
  const bool rounded = rounds && input != InputType::kFloat32;
  size_t index = static_cast<size_t>(input);
  index = index * 2 + (rounded ? 1 : 0);
  index = index * 3 + static_cast<size_t>(value);
  index = index * 5 + static_cast<size_t>(std::countr_zero(static_cast<uint64_t>(group_size)) - 4);
  return index * 3 + static_cast<size_t>(shape);
}

// The names of cuda_kernel.cu, at their kernel_index.
inline std::vector<std::string> kernel_names() {
  std::vector<std::string> names;
  for (const char* input : {"Float16", "BFloat16", "Float32"}) {
    for (const char* mode : {"exact", "rounded"}) {
      for (const char* value : {"Float8E4M3FN", "Float8E4M3FNUZ", "Int8"}) {
        for (const int group_size : kGroupSizes) {
          for (const char* shape : {"Large", "Small", "Unaligned"}) {
            names.push_back(std::string(input) + "_" + value + "_" + mode + "_" +
                            std::to_string(group_size) + "_" + shape);
          }
        }
      }
    }
  }
  return names;
}

}  // namespace opparity::silu_and_mul_per_block_quant
