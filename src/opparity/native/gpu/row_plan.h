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

// How many pieces of a row each thread keeps in registers; 0 where it reads them again. Backward it
// keeps three numbers for an element.
constexpr int64_t steps_of_a_row(Shape shape, int64_t hidden_size, int64_t bytes_of_an_element,
                                 bool is_backward) {
  if (shape == Shape::kUnalignedRow) return 0;
  const int64_t elements = threads_of_a_row(shape) * elements_of_a_thread(shape, 0);
  const int64_t steps = (hidden_size + elements - 1) / elements;
  if (is_backward) return steps <= 4 ? steps : 0;
  return steps * bytes_of_an_element <= 16 ? steps : 0;
}

// Of the weight's gradient.
constexpr int64_t kMostAccumulators = 256;
constexpr int64_t kColumnsOfABlock = 32;

}  // namespace opparity
