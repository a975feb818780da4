// How rows are launched where something is computed of a row as a whole: gpu/rows.h.
#pragma once

#include "native/gpu/arguments.h"

namespace opparity {

constexpr uint32_t kThreadsOfABlock = 256;
// Up to here a warp has a row, and needs no shared memory for it.
constexpr int64_t kWidestOfAWarp = 1024;

constexpr Shape choose_row_shape(int64_t hidden_size, bool aligned) {
  if (!aligned) return Shape::kUnalignedRow;
  return hidden_size <= kWidestOfAWarp ? Shape::kWarpRow : Shape::kBlockRow;
}

constexpr uint32_t threads_of_a_row(Shape shape) {
  return shape == Shape::kWarpRow ? 32 : kThreadsOfABlock;
}

// Where rows are few, each thread has one piece. Microseconds on an H200 so and by the usual block:
// SiLU to int8 by token 1.9 and 2.2 at 1 x 7168, 4.0 and 6.4 at 256 x 7168, 12.2 and 11.0 at
// 1024 x 7168. A norm's sum would cross more threads: RMSNorm took 1.9 instead of 1.6 at 1 x 7168.
constexpr int64_t kMostWideRowsOfAMultiprocessor = 2;
// A block has at most 1,024 threads.
constexpr int64_t kMostWideSteps = 4;

// How often a row's threads take a piece, or how many times 256 threads there are.
constexpr int64_t all_steps_of_a_row(Shape shape, int64_t hidden_size) {
  const int64_t elements = threads_of_a_row(shape) * elements_of_a_thread(shape, 0);
  return (hidden_size + elements - 1) / elements;
}

// Blocks that stay, for each multiprocessor. With three, registers have no room for the next row.
constexpr int64_t kStayingBlocks = 2;
constexpr int64_t kMostStayingSteps = 4;

// Microseconds on an H200 by blocks that stay and by others, with a scale by token:
//   RMSNorm          256 x 4096  2.7 and 3.0, 1024 x 4096  6.0 and 5.3, 4096 x 4096 19.6 and 16.2
//                    256 x 7168  3.1 and 3.5, 1024 x 7168  6.8 and 8.4, 4096 x 7168 25.0 and 27.7
//   with a residual  256 x 7168  4.7 and 5.8, 1024 x 7168 13.5 and 14.2, 4096 x 7168 54.5 and 51.0
//   gated, to bfloat16                        1024 x 7168 13.1 and 16.8, 4096 x 7168 45.3 and 54.8
// At 5120 they take 0.9 times as long up to 1,024 rows, and as long at 4,096.
constexpr bool may_stay(int64_t num_tokens, int64_t hidden_size, bool has_residual,
                        int64_t multiprocessors) {
  const int64_t steps = all_steps_of_a_row(Shape::kStayingRow, hidden_size);
  const int64_t blocks = kStayingBlocks * multiprocessors;
  if (steps > kMostStayingSteps || blocks == 0) return false;
  return num_tokens < blocks || (steps > 2 && (!has_residual || num_tokens < 8 * blocks));
}

// Each block has as many rows as another, or one less.
constexpr int64_t staying_blocks(int64_t num_tokens, int64_t multiprocessors) {
  const int64_t most = kStayingBlocks * multiprocessors;
  if (num_tokens <= most) return num_tokens;
  const int64_t turns = (num_tokens + most - 1) / most;
  return (num_tokens + turns - 1) / turns;
}

constexpr bool may_be_wide(int64_t num_tokens, int64_t hidden_size, int64_t multiprocessors) {
  const int64_t steps = all_steps_of_a_row(Shape::kWideRow, hidden_size);
  return steps > 1 && steps <= kMostWideSteps &&
         num_tokens <= kMostWideRowsOfAMultiprocessor * multiprocessors;
}

// How many pieces of a row each thread keeps in registers; 0 where it reads them again. Backward it
// keeps three numbers for an element.
constexpr int64_t steps_of_a_row(Shape shape, int64_t hidden_size, int64_t bytes_of_an_element,
                                 bool is_backward) {
  if (shape == Shape::kUnalignedRow) return 0;
  const int64_t steps = all_steps_of_a_row(shape, hidden_size);
  if (is_backward) return steps <= 4 ? steps : 0;
  return steps * bytes_of_an_element <= 16 ? steps : 0;
}

// Of the weight's gradient.
constexpr int64_t kMostAccumulators = 256;
constexpr int64_t kColumnsOfABlock = 32;

}  // namespace opparity
