// The GPU kernel's one parameter, the same record for the launcher and for the kernel.
#pragma once

#include "native/call.h"

namespace opparity {

// What the launcher chooses between: how many elements a thread takes, and how it finds its place.
enum class Shape : int32_t {
  // Sixteen elements a thread, counted through all rows.
  kLarge,
  // Eight: more threads of fewer registers, for inputs that fill the chip about once.
  kMedium,
  // Four, or eight for groups of 256; the token is the grid's second dimension.
  kSmall,
  // As kSmall, for rows that begin or end where wide loads and stores cannot.
  kUnaligned,
  // As kLarge, by blocks that stay and look numbers up in a table (gpu/table.h).
  kTabled,
  // Whole rows, eight elements of a thread at a time (gpu/rows.h): a warp for each, a block for
  // each, a block for each row that begins or ends where wide loads and stores cannot, a block that
  // has a thread for each piece of its row, and a block that stays, and reads its next row while it
  // works on one.
  kWarpRow,
  kBlockRow,
  kUnalignedRow,
  kWideRow,
  kStayingRow,
};

constexpr bool is_row_shape(Shape shape) {
  return shape == Shape::kWarpRow || shape == Shape::kBlockRow || shape == Shape::kUnalignedRow ||
         shape == Shape::kWideRow || shape == Shape::kStayingRow;
}

constexpr int64_t elements_of_a_thread(Shape shape, int64_t group_size) {
  if (shape == Shape::kLarge || shape == Shape::kTabled) return 16;
  if (shape == Shape::kMedium || is_row_shape(shape)) return 8;
  return group_size > 128 ? 8 : 4;
}

constexpr bool counts_through_rows(Shape shape) {
  return shape == Shape::kLarge || shape == Shape::kMedium || shape == Shape::kTabled;
}

// How the place of a scale is found.
enum class ScaleOrder : int32_t {
  // By a token's and a group's stride.
  kStrided,
  // Likewise, four groups to a word.
  kInWords,
  // In tiles of 128 tokens and four groups.
  kInTiles,
};

constexpr ScaleOrder order_of(const ScalePlace& place) {
  if (!place.is_tiled) return ScaleOrder::kStrided;
  const bool is_even = place.token_32 == 32 * place.token && place.token_128 == 128 * place.token;
  return is_even && place.group == 1 ? ScaleOrder::kInWords : ScaleOrder::kInTiles;
}

struct KernelArguments {
  const char* input;
  const char* gradient;
  char* values;
  char* scales;
  const float* given_scale;
  const float* scale_bound;
  int64_t input_row_bytes;
  int64_t gradient_row_bytes;
  int64_t values_row_bytes;
  ScalePlace place;
  // Of rows, as Call has them.
  const char* weight;
  const char* gate;
  const char* residual;
  char* sum;
  int64_t gate_row_bytes;
  int64_t residual_row_bytes;
  int64_t sum_row_bytes;
  // Backward of rows, as Call has them.
  const char* sum_gradient;
  char* gate_gradient;
  char* weight_gradient;
  float* workspace;
  int64_t sum_gradient_row_bytes;
  int64_t gate_gradient_row_bytes;
  Experts experts;
  // Of columns, as Call has them.
  char* column_values;
  char* column_scales;
  int64_t column_row_bytes;
  ScalePlace column_place;
  // Of the call, and the first of this launch; input, gradient and values begin there, scales at
  // token 0.
  uint32_t num_tokens;
  uint32_t first_token;
  uint32_t hidden_size;
  // Pieces are the elements of a thread: in a row, whole groups of them; the last one of a row that
  // has elements; and in all.
  uint32_t row_pieces;
  uint32_t last_piece;
  uint32_t pieces;
  // From a thread's piece to its next, where blocks stay; of experts, from a block's row; backward
  // of rows, how many accumulators the weight's gradient has.
  uint32_t step;
  // Of a block. Asking the chip would have AMD's runtime pass 256 bytes more.
  uint32_t threads;
  // piece / row_pieces is (piece * multiplier) >> (32 + shift), for pieces below 2^31.
  uint32_t multiplier;
  uint32_t shift;
  float least;
  // 1 / hidden_size.
  float inverse_width;
  Parameters parameters;
  // As Call has them. Last, so that kernels without them are the same to the instruction.
  const float* row_weights;
  const float* token_scales;
  const float* weight_scales;
};

}  // namespace opparity
