#include "operators/silu_and_mul_per_block_quant/hip_operator.h"

#include "native/code_objects.h"
#include "native/gpu_launcher.h"
#include "operators/silu_and_mul_per_block_quant/hip_plan.h"

namespace opparity::silu_and_mul_per_block_quant {

using torch::stable::Tensor;

void run_on_hip(const Tensor& out, const Tensor& input, const Tensor& scales,
                const std::optional<Tensor>& scale_ub, const Checked& checked, int64_t group_size) {
  static KernelSet kernels(hip_driver, code_object_path("silu_and_mul_per_block_quant"),
                           hip::kernel_names());
  hip::Call call{.input_type = checked.input_type,
                 .value_type = checked.value_type,
                 .rounds_to_input_type = checked.rounds_to_input_type,
                 .num_tokens = checked.num_tokens,
                 .hidden_size = checked.hidden_size,
                 .group_size = group_size,
                 .arguments = {}};
  call.arguments.out = out.mutable_data_ptr();
  call.arguments.input = input.const_data_ptr();
  call.arguments.scales = static_cast<float*>(scales.mutable_data_ptr());
  call.arguments.scale_bound =
      scale_ub.has_value() ? static_cast<const float*>(scale_ub->const_data_ptr()) : nullptr;
  call.arguments.input_row_stride = input.stride(0);
  call.arguments.out_row_stride = out.stride(0);
  call.arguments.scale_token_stride = checked.scale_token_stride;
  call.arguments.scale_group_stride = checked.scale_group_stride;
  const int device = input.get_device_index();
  void* stream = current_stream(device);
  hip::launch_slices(call, kernels.facts(device).wave_size,
                     [&](size_t index, const Grid& grid, const hip::Arguments& arguments) {
                       kernels.launch(device, index, grid, arguments, stream);
                     });
}

}  // namespace opparity::silu_and_mul_per_block_quant
