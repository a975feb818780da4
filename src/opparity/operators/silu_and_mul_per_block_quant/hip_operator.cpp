#include "operators/silu_and_mul_per_block_quant/hip_operator.h"

#include "native/code_objects.h"
#include "native/gpu_launcher.h"
#include "operators/silu_and_mul_per_block_quant/hip_plan.h"

namespace opparity::silu_and_mul_per_block_quant {

void run_on_hip(const Checked& checked) {
  static KernelSet kernels(hip_driver, code_object_path("silu_and_mul_per_block_quant"),
                           hip::kernel_names());
  hip::Call call{.input_type = checked.input_type,
                 .value_type = checked.value_type,
                 .rounds_to_input_type = checked.rounds_to_input_type,
                 .num_tokens = checked.num_tokens,
                 .hidden_size = checked.hidden_size,
                 .group_size = checked.group_size,
                 .arguments = {}};
  call.arguments.out = checked.out;
  call.arguments.input = checked.input;
  call.arguments.scales = checked.scales;
  call.arguments.scale_bound = checked.scale_bound;
  call.arguments.input_row_stride = checked.input_row_stride;
  call.arguments.out_row_stride = checked.out_row_stride;
  call.arguments.scale_token_stride = checked.scale_token_stride;
  call.arguments.scale_group_stride = checked.scale_group_stride;
  const int device = checked.device;
  void* stream = current_stream(device);
  hip::launch_slices(call, kernels.facts(device).wave_size,
                     [&](size_t index, const Grid& grid, const hip::Arguments& arguments) {
                       kernels.launch(device, index, grid, arguments, stream);
                     });
}

}  // namespace opparity::silu_and_mul_per_block_quant
