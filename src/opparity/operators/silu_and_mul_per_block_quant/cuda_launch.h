// The launch of the NVIDIA kernel as pure functions of the shape and the chip: which kernel, how
// many threads, and the divisor that its index arithmetic needs. tests/native has them run.
#pragma once

#include <algorithm>
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

enum class Shape {
  // Sixteen elements a thread, counted through all rows.
  kLarge,
  // Eight: more threads of fewer registers, for inputs that fill the chip about once.
  kMedium,
  // Four, and the token is the grid's second dimension.
  kSmall,
  // As kSmall, for rows that begin at addresses which wide loads and stores refuse.
  kUnaligned,
};

// What the choice depends on.
struct Chip {
  int64_t multiprocessors;
  int64_t threads_of_a_multiprocessor;
};

constexpr int kGroupSizes[] = {16, 32, 64, 128, 256};
// Below it kSmall was the fastest on an H100: 2.9 us at 128 x 7168, where kMedium took 3.2. At
// 256 x 7168, the next size that was tried, kSmall took 4.7 and kMedium 4.4.
constexpr int64_t kFewElements = 3 * (int64_t{1} << 19);
constexpr int64_t kMostPieces = (int64_t{1} << 31) - 1;
constexpr int64_t kMostRows = 65535;

constexpr int64_t elements_of_a_thread(Shape shape, int64_t group_size) {
  if (shape == Shape::kLarge) return 16;
  if (shape == Shape::kMedium) return 8;
  return group_size > 128 ? 8 : 4;
}

// The elements that a kernel works on at once when it fills the chip. Registers limit kLarge to
// 1,536 threads a multiprocessor (40 of 65,536) and kMedium to 2,048 (32).
constexpr int64_t elements_of_a_wave(Shape shape, const Chip& chip) {
  const int64_t limit = shape == Shape::kLarge ? 1536 : 2048;
  return chip.multiprocessors * std::min(chip.threads_of_a_multiprocessor, limit) *
         elements_of_a_thread(shape, 128);
}

// Of 64, 128 and 256: with 128 kLarge took 138.0 us at 16384 x 7168 on an H200 and with 256 140.3,
// at 256 x 18432 on an H100 9.25 and 9.17. kMedium took 41.5 and 41.4 at 4096 x 7168 on an H200,
// and 4.48 and 4.32 at 256 x 7168 on an H100. kSmall took 2.84 and 2.95 at 128 x 7168 on an H100,
// and at 64 x 18432, more than a wave, 3.49 and 3.56, on an H200 3.60 and 3.36.
constexpr uint32_t threads_of_a_block(Shape shape, int64_t elements, const Chip& chip) {
  if (shape == Shape::kMedium) return 256;
  return shape == Shape::kSmall && elements > elements_of_a_wave(shape, chip) ? 256 : 128;
}

// Between few elements and two waves, the shape that pays for fewer elements in whole waves: the
// last wave takes as long as a full one. On an H100 that is kMedium at 256 x 7168 (4.4 us, kLarge
// 5.0), kLarge at 128 x 18432 (5.4, kMedium 5.6) and kMedium at 512 x 7168 (7.7, kLarge 8.0).
constexpr Shape choose_shape(int64_t num_tokens, int64_t hidden_size, bool aligned,
                             const Chip& chip) {
  if (!aligned) return Shape::kUnaligned;
  const int64_t elements = num_tokens * hidden_size;
  // A row of one piece would need a division by 1, whose multiplier has 33 bits.
  if (elements < kFewElements || hidden_size <= 16) return Shape::kSmall;
  const int64_t large = elements_of_a_wave(Shape::kLarge, chip);
  const int64_t medium = elements_of_a_wave(Shape::kMedium, chip);
  if (elements >= 2 * large) return Shape::kLarge;
  const int64_t paid_by_large = (elements + large - 1) / large * large;
  const int64_t paid_by_medium = (elements + medium - 1) / medium * medium;
  return paid_by_medium < paid_by_large ? Shape::kMedium : Shape::kLarge;
}

// How many tokens one launch may have: pieces are counted in 31 bits, a grid's rows in 16.
constexpr int64_t most_tokens(Shape shape, int64_t row_pieces) {
  const bool counts_through_rows = shape == Shape::kLarge || shape == Shape::kMedium;
  return counts_through_rows ? kMostPieces / row_pieces : kMostRows;
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
  return index * 4 + static_cast<size_t>(shape);
}

// The names of cuda_kernel.cu, at their kernel_index.
inline std::vector<std::string> kernel_names() {
  std::vector<std::string> names;
  for (const char* input : {"Float16", "BFloat16", "Float32"}) {
    for (const char* mode : {"exact", "rounded"}) {
      for (const char* value : {"Float8E4M3FN", "Float8E4M3FNUZ", "Int8"}) {
        for (const int group_size : kGroupSizes) {
          for (const char* shape : {"Large", "Medium", "Small", "Unaligned"}) {
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
