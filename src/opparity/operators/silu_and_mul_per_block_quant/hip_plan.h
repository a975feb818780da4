// The launches of one call on an AMD GPU. Knows neither torch nor a driver.
#pragma once

#include <stdexcept>
#include <string>

#include "native/gpu_driver.h"
#include "operators/silu_and_mul_per_block_quant/hip_launch.h"

namespace opparity::silu_and_mul_per_block_quant::hip {

struct Call {
  InputType input_type;
  ValueType value_type;
  bool rounds_to_input_type;
  int64_t num_tokens;
  int64_t hidden_size;
  int64_t group_size;
  // Pointers and strides; the rest is filled in.
  Arguments arguments;
};

inline bool is_aligned(const Arguments& arguments) {
  const auto bits = reinterpret_cast<uintptr_t>(arguments.input) |
                    reinterpret_cast<uintptr_t>(arguments.out) |
                    static_cast<uintptr_t>(arguments.input_row_stride) |
                    static_cast<uintptr_t>(arguments.out_row_stride);
  return bits % 16 == 0;
}

// Calls `launch(kernel index, grid, arguments)` for each slice of tokens that one launch may have.
template <typename Launch>
void launch_slices(const Call& call, uint32_t wave_size, const Launch& launch) {
  if (call.hidden_size > kMostColumns) {
    throw std::runtime_error("silu_and_mul_per_block_quant: hidden_size is " +
                             std::to_string(call.hidden_size) +
                             "; allowed on an AMD GPU: at most 2^30; split the hidden dimension");
  }
  Arguments arguments = call.arguments;
  const Shape shape = choose_shape(call.hidden_size, is_aligned(arguments));
  const int64_t programs = programs_of_a_token(shape, call.hidden_size);
  const uint32_t threads = threads_of_a_program(shape, wave_size);
  const size_t index = kernel_index(call.input_type, call.value_type, call.rounds_to_input_type,
                                    call.group_size, shape);
  arguments.hidden_size = static_cast<int32_t>(call.hidden_size);
  arguments.num_groups = static_cast<int32_t>(call.hidden_size / call.group_size);
  arguments.programs_per_token = static_cast<int32_t>(programs);
  arguments.has_bound = arguments.scale_bound != nullptr ? 1 : 0;
  const int64_t element_size = call.input_type == InputType::kFloat32 ? 4 : 2;
  const int64_t step = most_tokens(programs, threads);
  for (int64_t first = 0; first < call.num_tokens; first += step) {
    const int64_t num_tokens = std::min(step, call.num_tokens - first);
    const Grid grid{.x = static_cast<uint32_t>(num_tokens * programs),
                    .y = 1,
                    .threads = threads,
                    .shared_bytes = kSharedBytes};
    launch(index, grid, arguments);
    arguments.input = static_cast<const char*>(arguments.input) +
                      num_tokens * arguments.input_row_stride * element_size;
    arguments.out = static_cast<char*>(arguments.out) + num_tokens * arguments.out_row_stride;
    arguments.scales += num_tokens * arguments.scale_token_stride;
  }
}

}  // namespace opparity::silu_and_mul_per_block_quant::hip
