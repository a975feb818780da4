// A call as launches of one kernel: what follows from its shapes, its addresses and the chip,
// without torch and without a driver.
#pragma once

#include <algorithm>
#include <cstdint>

#include "native/gpu/columns_plan.h"
#include "native/gpu/driver.h"
#include "native/gpu/plan.h"
#include "native/gpu/row_plan.h"

namespace opparity {

// Whether every piece begins where wide loads and stores can, and no row ends inside of one. Of
// sums, with four bytes to an element, the columns' scales are read as wide.
inline bool is_aligned(const Call& call) {
  constexpr int64_t kWideBytes = 16;
  const auto bits =
      reinterpret_cast<uintptr_t>(call.input) | reinterpret_cast<uintptr_t>(call.gradient) |
      reinterpret_cast<uintptr_t>(call.values) | static_cast<uintptr_t>(call.input_row_bytes) |
      static_cast<uintptr_t>(call.gradient_row_bytes) |
      static_cast<uintptr_t>(call.values_row_bytes) | reinterpret_cast<uintptr_t>(call.weight) |
      reinterpret_cast<uintptr_t>(call.gate) | reinterpret_cast<uintptr_t>(call.residual) |
      reinterpret_cast<uintptr_t>(call.sum) | static_cast<uintptr_t>(call.gate_row_bytes) |
      static_cast<uintptr_t>(call.residual_row_bytes) | static_cast<uintptr_t>(call.sum_row_bytes) |
      reinterpret_cast<uintptr_t>(call.sum_gradient) |
      reinterpret_cast<uintptr_t>(call.gate_gradient) |
      static_cast<uintptr_t>(call.sum_gradient_row_bytes) |
      static_cast<uintptr_t>(call.gate_gradient_row_bytes) |
      reinterpret_cast<uintptr_t>(call.weight_scales);
  return bits % kWideBytes == 0 && call.hidden_size % elements_of_a_thread(Shape::kLarge, 0) == 0;
}

inline bool has_experts(const Call& call) { return call.experts.layout != ExpertLayout::kNone; }

inline bool has_columns(const Call& call) { return call.columns.values != nullptr; }

// Elements of a row that are counted in pieces: where a thread has one of each half, those of one.
inline int64_t width_in_pieces(const Call& call) {
  return has_gradients_in_halves(call) ? call.hidden_size / 2 : call.hidden_size;
}

// Whether a table takes the place of the producer's arithmetic, where it pays. It does not where
// there is hardly any, and interleaved SwiGLU-OAI took 42.7 us by it instead of 41.3 at 4096 x 7168
// on an H200. SiLU into codes that hardware makes takes 36.2 us there either way; at 16384 x 7168
// it took 138.4 by the table and 136.7 without, and at 1024 x 7168 10.4 and 10.6.
inline bool takes_table(const Call& call, const Chip& chip) {
  if (call.is_backward || call.quantises_gradient || call.is_interleaved ||
      call.input_type != InputType::kBFloat16) {
    return false;
  }
  // Sums are twice as many bytes as bfloat16, which by what was measured of that takes the memory
  // longer than any arithmetic that a table could save.
  if (reads_sums(call)) return false;
  // A row of one piece would need a division by 1, whose multiplier has 33 bits.
  if (call.hidden_size <= elements_of_a_thread(Shape::kTabled, 0)) return false;
  if (call.producer == Producer::kIdentity || call.producer == Producer::kReluSquared) return false;
  const int64_t elements = call.num_tokens * call.hidden_size;
  if (!tables_pay(elements, chip)) return false;
  if (has_experts(call)) {
    // Shared memory has no room for a second table beside the experts', and all is one launch.
    return call.producer != Producer::kSituAndMul &&
           call.num_tokens <=
               most_tokens(Shape::kTabled,
                           pieces_of_a_row(Shape::kTabled, call.hidden_size, call.group_size));
  }
  const bool is_bare = call.producer == Producer::kSiluAndMul &&
                       call.intermediate != Intermediate::kInputDtype &&
                       call.value_format != ValueFormat::kFloat4E2M1;
  return !is_bare || elements < chip.multiprocessors * kElementsThatNeedNoTable;
}

// Whether a row by token has a thread for each piece.
inline bool is_wide(const Call& call, const Chip& chip) {
  const bool reduces = kProducerFacts[static_cast<int>(call.producer)].reduces;
  return !reduces && !call.is_backward && !has_experts(call) &&
         may_be_wide(call.num_tokens, call.hidden_size, chip.multiprocessors);
}

// Whether a norm's blocks stay. On AMD's chips, whose memory's speed is not asked for, nothing was
// measured.
inline bool stays(const Call& call, const Chip& chip) {
  const bool reduces = kProducerFacts[static_cast<int>(call.producer)].reduces;
  if (!reduces || call.is_backward || call.input_type == InputType::kFloat32) return false;
  if (chip.gigabytes_per_second == 0) return false;
  // Where these would have two rows, while a multiprocessor has room for three blocks of one each.
  const int64_t blocks = kStayingBlocks * chip.multiprocessors;
  if (call.num_tokens > blocks && 2 * call.num_tokens <= 3 * blocks) return false;
  return may_stay(call.num_tokens, call.hidden_size, call.residual != nullptr,
                  chip.multiprocessors);
}

inline Shape shape_of(const Call& call, const Chip& chip) {
  // Eight elements of a thread at a time.
  if (has_columns(call)) return is_aligned(call) ? Shape::kMedium : Shape::kUnalignedRow;
  if (has_experts(call) && !works_on_rows(call)) {
    if (!is_aligned(call)) return Shape::kUnaligned;
    return takes_table(call, chip) ? Shape::kTabled : Shape::kMedium;
  }
  if (works_on_rows(call)) {
    const Shape shape = choose_row_shape(call.hidden_size, is_aligned(call));
    if (shape != Shape::kBlockRow) return shape;
    if (stays(call, chip)) return Shape::kStayingRow;
    return is_wide(call, chip) ? Shape::kWideRow : shape;
  }
  const Shape shape = choose_shape(call.num_tokens, width_in_pieces(call), is_aligned(call),
                                   takes_table(call, chip), chip);
  // Sixteen sums of a thread, as many ups and the scales of both have no room in its registers, nor
  // have as many gates, ups and gradients.
  const bool has_room = !reads_sums(call) && !has_gradients_in_halves(call);
  return shape == Shape::kLarge && !has_room ? Shape::kMedium : shape;
}

inline KernelArguments arguments_of(const Call& call, Shape shape, int64_t group_size) {
  const int64_t width = width_in_pieces(call);
  const int64_t row_pieces = pieces_of_a_row(shape, width, group_size);
  const int64_t elements = elements_of_a_thread(shape, group_size);
  KernelArguments arguments{};
  arguments.input = static_cast<const char*>(call.input);
  arguments.gradient = static_cast<const char*>(call.gradient);
  arguments.weight = static_cast<const char*>(call.weight);
  arguments.gate = static_cast<const char*>(call.gate);
  arguments.residual = static_cast<const char*>(call.residual);
  arguments.sum = static_cast<char*>(call.sum);
  arguments.values = static_cast<char*>(call.values);
  arguments.scales = static_cast<char*>(call.scales);
  arguments.given_scale = call.given_scale;
  arguments.scale_bound = call.scale_bound;
  arguments.input_row_bytes = call.input_row_bytes;
  arguments.gradient_row_bytes = call.gradient_row_bytes;
  arguments.values_row_bytes = call.values_row_bytes;
  arguments.gate_row_bytes = call.gate_row_bytes;
  arguments.residual_row_bytes = call.residual_row_bytes;
  arguments.sum_row_bytes = call.sum_row_bytes;
  arguments.place = call.place;
  arguments.experts = call.experts;
  arguments.row_weights = call.row_weights;
  arguments.token_scales = call.token_scales;
  arguments.weight_scales = call.weight_scales;
  arguments.column_values = static_cast<char*>(call.columns.values);
  arguments.column_scales = static_cast<char*>(call.columns.scales);
  arguments.column_row_bytes = call.columns.values_row_bytes;
  arguments.column_place = call.columns.place;
  arguments.sum_gradient = static_cast<const char*>(call.sum_gradient);
  arguments.gate_gradient = static_cast<char*>(call.gate_gradient);
  arguments.weight_gradient = static_cast<char*>(call.weight_gradient);
  arguments.workspace = call.workspace;
  arguments.sum_gradient_row_bytes = call.sum_gradient_row_bytes;
  arguments.gate_gradient_row_bytes = call.gate_gradient_row_bytes;
  arguments.num_tokens = static_cast<uint32_t>(call.num_tokens);
  arguments.hidden_size = static_cast<uint32_t>(call.hidden_size);
  arguments.row_pieces = static_cast<uint32_t>(row_pieces);
  arguments.last_piece = static_cast<uint32_t>((width - 1) / elements);
  arguments.least = call.least;
  arguments.inverse_width = 1.0f / static_cast<float>(call.hidden_size);
  arguments.parameters = call.parameters;
  if (counts_through_rows(shape) && arguments.row_pieces > 1) {
    const Division division = division_by(arguments.row_pieces);
    arguments.multiplier = division.multiplier;
    arguments.shift = division.shift;
  }
  return arguments;
}

// One launch, by as many blocks as fill the chip, whatever number of rows is valid.
inline Grid grid_of_experts(const Call& call, Shape shape, const Chip& chip,
                            KernelArguments& arguments) {
  if (is_row_shape(shape)) {
    const int64_t rows = kThreadsOfABlock / threads_of_a_row(shape);
    const int64_t blocks =
        std::min((call.num_tokens + rows - 1) / rows, resident_blocks(kThreadsOfABlock, chip));
    arguments.threads = kThreadsOfABlock;
    arguments.step = static_cast<uint32_t>(blocks * rows);
    return {.x = static_cast<uint32_t>(blocks), .y = 1, .threads = kThreadsOfABlock};
  }
  const int64_t row_pieces = arguments.row_pieces;
  if (shape == Shape::kTabled) {
    arguments.threads = threads_of_a_block(shape, call.num_tokens * call.hidden_size, chip);
    arguments.step = static_cast<uint32_t>(chip.multiprocessors * arguments.threads);
    return {.x = static_cast<uint32_t>(chip.multiprocessors), .y = 1, .threads = arguments.threads};
  }
  const uint32_t threads = threads_of_an_expert_block(row_pieces);
  const int64_t blocks = (row_pieces + threads - 1) / threads;
  const int64_t filling = (resident_blocks(threads, chip) + blocks - 1) / blocks;
  const int64_t rows = std::min({call.num_tokens, filling, kMostRows});
  arguments.threads = threads;
  arguments.pieces = static_cast<uint32_t>(row_pieces);
  arguments.step = static_cast<uint32_t>(rows);
  return {.x = static_cast<uint32_t>(blocks), .y = static_cast<uint32_t>(rows), .threads = threads};
}

// Calls `launch(grid, arguments)` for each slice of a call's tokens, in order. The group size is
// the variant's, which a call backward has none of.
template <typename Launch>
void for_each_launch(const Call& call, Shape shape, int64_t group_size, const Chip& chip,
                     const Launch& launch) {
  KernelArguments arguments = arguments_of(call, shape, group_size);
  if (has_columns(call)) {
    const auto tiles = [](int64_t size) {
      return static_cast<uint32_t>((size + kTileOfColumns - 1) / kTileOfColumns);
    };
    arguments.threads = kThreadsOfATile;
    launch(Grid{.x = tiles(width_in_pieces(call)),
                .y = tiles(call.num_tokens),
                .threads = kThreadsOfATile},
           arguments);
    return;
  }
  if (has_experts(call)) {
    const Grid grid = grid_of_experts(call, shape, chip, arguments);
    launch(grid, arguments);
    return;
  }
  if (is_row_shape(shape)) {
    const int64_t rows = kThreadsOfABlock / threads_of_a_row(shape);
    const int64_t kept = call.is_backward ? kMostAccumulators : call.num_tokens;
    const int64_t taken = std::min(call.num_tokens, kept);
    int64_t blocks = (taken + rows - 1) / rows;
    arguments.step = static_cast<uint32_t>(taken);
    arguments.threads = kThreadsOfABlock;
    if (shape == Shape::kWideRow) arguments.threads *= all_steps_of_a_row(shape, call.hidden_size);
    if (shape == Shape::kStayingRow) {
      blocks = staying_blocks(call.num_tokens, chip.multiprocessors);
      arguments.step = static_cast<uint32_t>(blocks);
    }
    launch(Grid{.x = static_cast<uint32_t>(blocks), .y = 1, .threads = arguments.threads},
           arguments);
    return;
  }
  const uint32_t threads = threads_of_a_block(shape, call.num_tokens * width_in_pieces(call), chip);
  const int64_t row_pieces = arguments.row_pieces, step = most_tokens(shape, row_pieces);
  arguments.threads = threads;
  for (int64_t first = 0; first < call.num_tokens; first += step) {
    const int64_t num_tokens = std::min(step, call.num_tokens - first);
    const bool through_rows = counts_through_rows(shape);
    const int64_t pieces = through_rows ? num_tokens * row_pieces : row_pieces;
    const int64_t blocks = (pieces + threads - 1) / threads;
    const int64_t stay = shape == Shape::kTabled ? std::min(blocks, chip.multiprocessors) : blocks;
    arguments.first_token = static_cast<uint32_t>(first);
    arguments.pieces = static_cast<uint32_t>(pieces);
    arguments.step = static_cast<uint32_t>(stay * threads);
    launch(
        Grid{
            .x = static_cast<uint32_t>(stay),
            .y = through_rows ? 1 : static_cast<uint32_t>(num_tokens),
            .threads = threads,
        },
        arguments);
    arguments.input += num_tokens * arguments.input_row_bytes;
    arguments.gradient += num_tokens * arguments.gradient_row_bytes;
    arguments.values += num_tokens * arguments.values_row_bytes;
  }
}

// The launch after it that adds the accumulators of the weight's gradient.
template <typename Launch>
void launch_sum_of_columns(const Call& call, Shape shape, const Launch& launch) {
  KernelArguments arguments = arguments_of(call, shape, 0);
  const int64_t blocks = (call.hidden_size + kColumnsOfABlock - 1) / kColumnsOfABlock;
  arguments.step = static_cast<uint32_t>(std::min(call.num_tokens, kMostAccumulators));
  arguments.threads = kThreadsOfABlock;
  launch(Grid{.x = static_cast<uint32_t>(blocks), .y = 1, .threads = kThreadsOfABlock}, arguments);
}

}  // namespace opparity
