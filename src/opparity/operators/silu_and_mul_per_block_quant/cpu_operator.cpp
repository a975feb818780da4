// silu_and_mul_per_block_quant for the CPU: the choice of a kernel, its threads, its registration.
#include <torch/csrc/stable/library.h>
#include <torch/csrc/stable/ops.h>
#include <torch/csrc/stable/tensor.h>

#include <optional>
#include <string>

#include "native/checks.h"
#include "native/cpu_capability.h"
#include "native/floating_point.h"
#include "operators/silu_and_mul_per_block_quant/checks.h"
#include "operators/silu_and_mul_per_block_quant/cpu_kernel.h"

namespace {

using opparity::CpuCapability;
using opparity::silu_and_mul_per_block_quant::Arguments;
using opparity::silu_and_mul_per_block_quant::Checked;
using opparity::silu_and_mul_per_block_quant::Kernel;
using torch::stable::Tensor;

// A piece of work for one thread: 32,768 elements take some 15 microseconds on one core of a Xeon
// with the AVX-512 kernel and 22 with the AVX2 one (docs/benchmarks.md).
constexpr int64_t kElementsPerTask = 32768;
constexpr int64_t kLeastGroupOfAvx512 = 32;
// A table of SiLU is 256 KiB, which a smaller call would not find in its cache.
constexpr int64_t kLeastElementsOfATable = 1 << 20;

Kernel kernel_of_this_processor(int64_t group_size) {
  namespace kernels = opparity::silu_and_mul_per_block_quant;
  switch (opparity::cpu_capability()) {
#ifdef OPPARITY_HAS_avx512
    case CpuCapability::kAvx512:
      // Two of its vectors are more than the smallest group, and it runs the other kernel too.
      if (group_size >= kLeastGroupOfAvx512) return kernels::avx512;
      [[fallthrough]];
#endif
#ifdef OPPARITY_HAS_avx2
    case CpuCapability::kAvx2:
      return kernels::avx2;
#endif
    default:
      return kernels::baseline;
  }
}

void run(const Tensor& out, const Tensor& input, const Tensor& scales, int64_t group_size,
         const std::optional<Tensor>& scale_ub, bool is_scale_transposed,
         const std::string& intermediate) {
  const Checked checked = opparity::silu_and_mul_per_block_quant::check(
      out, input, scales, group_size, scale_ub, is_scale_transposed, intermediate);
  const Arguments arguments{
      .input = checked.input,
      .input_row_stride = checked.input_row_stride,
      .out = static_cast<uint8_t*>(checked.out),
      .out_row_stride = checked.out_row_stride,
      .scales = checked.scales,
      .scale_token_stride = checked.scale_token_stride,
      .scale_group_stride = checked.scale_group_stride,
      .hidden_size = checked.hidden_size,
      .group_size = group_size,
      .input_type = checked.input_type,
      .value_type = checked.value_type,
      .rounds_to_input_type = checked.rounds_to_input_type,
      .looks_up_silu = opparity::gathers_quickly() &&
                       checked.num_tokens * checked.hidden_size >= kLeastElementsOfATable,
      .has_scale_bound = checked.scale_bound != nullptr,
      .scale_bound = checked.scale_bound != nullptr ? *checked.scale_bound : 0.0f,
  };
  const Kernel kernel = kernel_of_this_processor(group_size);
  const int64_t num_groups = checked.num_tokens * (checked.hidden_size / group_size);
  if (num_groups == 0) return;
  torch::stable::parallel_for(0, num_groups, kElementsPerTask / group_size,
                              [&](int64_t begin, int64_t end) {
                                const opparity::DefaultFloatingPoint environment;
                                kernel(arguments, begin, end);
                              });
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

STABLE_TORCH_LIBRARY_IMPL(opparity, CPU, library) {
  library.impl("silu_and_mul_per_block_quant", TORCH_BOX(&quantise));
  library.impl("silu_and_mul_per_block_quant.intermediate", TORCH_BOX(&quantise_intermediate));
}
