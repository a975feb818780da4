// silu_and_mul_per_block_quant under torch's key CUDA, which is ROCm's too: precompiled kernels,
// launched through the driver.
#include <torch/csrc/stable/library.h>
#include <torch/csrc/stable/tensor.h>

#include <algorithm>
#include <optional>
#include <stdexcept>
#include <string>

#include "native/checks.h"
#include "native/code_objects.h"
#include "native/gpu_launcher.h"
#include "operators/silu_and_mul_per_block_quant/checks.h"
#include "operators/silu_and_mul_per_block_quant/cuda_launch.h"
#include "operators/silu_and_mul_per_block_quant/hip_operator.h"

namespace {

using namespace opparity::silu_and_mul_per_block_quant;
using torch::stable::Tensor;

opparity::KernelSet& kernels() {
  static opparity::KernelSet loaded(opparity::cuda_driver,
                                    opparity::code_object_path("silu_and_mul_per_block_quant"),
                                    kernel_names());
  return loaded;
}

bool is_aligned(const CudaArguments& arguments) {
  const auto bits = reinterpret_cast<uintptr_t>(arguments.input) |
                    reinterpret_cast<uintptr_t>(arguments.out) |
                    static_cast<uintptr_t>(arguments.input_row_bytes) |
                    static_cast<uintptr_t>(arguments.out_row_bytes);
  return bits % 16 == 0;
}

void run(const Tensor& out, const Tensor& input, const Tensor& scales, int64_t group_size,
         const std::optional<Tensor>& scale_ub, bool is_scale_transposed,
         const std::string& intermediate) {
  const Checked checked =
      check(out, input, scales, group_size, scale_ub, is_scale_transposed, intermediate);
  if (checked.num_tokens == 0) return;
  if (opparity::is_rocm()) return run_on_hip(checked);
  const int64_t element_size = checked.input_type == InputType::kFloat32 ? 4 : 2;
  CudaArguments arguments{};
  arguments.input = static_cast<const char*>(checked.input);
  arguments.out = static_cast<char*>(checked.out);
  arguments.scales = checked.scales;
  arguments.scale_bound = checked.scale_bound;
  arguments.input_row_bytes = checked.input_row_stride * element_size;
  arguments.out_row_bytes = checked.out_row_stride;
  arguments.scale_token_stride = checked.scale_token_stride;
  arguments.scale_group_stride = checked.scale_group_stride;

  const int device = checked.device;
  const opparity::GpuFacts facts = kernels().facts(device);
  const Chip chip{facts.multiprocessors, facts.threads_of_a_multiprocessor};
  const Shape shape =
      choose_shape(checked.num_tokens, checked.hidden_size, is_aligned(arguments), chip);
  const bool counts_through_rows = shape == Shape::kLarge || shape == Shape::kMedium;
  const int64_t row_pieces = checked.hidden_size / elements_of_a_thread(shape, group_size);
  if (row_pieces > kMostPieces) {
    throw std::runtime_error("silu_and_mul_per_block_quant: hidden_size is " +
                             std::to_string(checked.hidden_size) +
                             "; allowed on a GPU: below 2^33; split the hidden dimension");
  }
  arguments.row_pieces = static_cast<uint32_t>(row_pieces);
  if (counts_through_rows) {
    const Division division = division_by(arguments.row_pieces);
    arguments.multiplier = division.multiplier;
    arguments.shift = division.shift;
  }
  const size_t index = kernel_index(checked.input_type, checked.value_type,
                                    checked.rounds_to_input_type, group_size, shape);
  void* stream = opparity::current_stream(device);
  const uint32_t threads =
      threads_of_a_block(shape, checked.num_tokens * checked.hidden_size, chip);
  const int64_t step = most_tokens(shape, row_pieces);
  for (int64_t first = 0; first < checked.num_tokens; first += step) {
    const int64_t num_tokens = std::min(step, checked.num_tokens - first);
    const int64_t pieces = counts_through_rows ? num_tokens * row_pieces : row_pieces;
    arguments.pieces = static_cast<uint32_t>(pieces);
    const opparity::Grid grid{
        .x = static_cast<uint32_t>((pieces + threads - 1) / threads),
        .y = counts_through_rows ? 1 : static_cast<uint32_t>(num_tokens),
        .threads = threads,
    };
    kernels().launch(device, index, grid, arguments, stream);
    arguments.input += num_tokens * arguments.input_row_bytes;
    arguments.out += num_tokens * arguments.out_row_bytes;
    arguments.scales += num_tokens * arguments.scale_token_stride;
  }
}

void quantise(Tensor out, const Tensor input, Tensor scales, int64_t group_size,
              std::optional<Tensor> scale_ub, bool is_scale_transposed) {
  run(out, input, scales, group_size, scale_ub, is_scale_transposed, "float32");
}

void quantise_intermediate(Tensor out, const Tensor input, Tensor scales, int64_t group_size,
                           std::optional<Tensor> scale_ub, bool is_scale_transposed,
                           StringHandle intermediate) {
  run(out, input, scales, group_size, scale_ub, is_scale_transposed,
      opparity::take_string(intermediate));
}

}  // namespace

STABLE_TORCH_LIBRARY_IMPL(opparity, CUDA, library) {
  library.impl("silu_and_mul_per_block_quant", TORCH_BOX(&quantise));
  library.impl("silu_and_mul_per_block_quant.intermediate", TORCH_BOX(&quantise_intermediate));
}
