// What one call on an AMD GPU launches, against the stand-in runtime: "call <path> <device>
// <input type> <value type> <rounds> <tokens> <hidden size> <group size> <out> <input> <scales>
// <bound> <input row stride> <out row stride> <scale token stride> <scale group stride>"; or
// "kernels" for each kernel's name, elements, threads by wave size, and shared memory.
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <set>

#include "native/gpu_launcher.h"
#include "operators/silu_and_mul_per_block_quant/hip_plan.h"

using namespace opparity;
using namespace opparity::silu_and_mul_per_block_quant;

static void show_kernels() {
  const std::vector<std::string> names = hip::kernel_names();
  std::set<size_t> seen;
  for (InputType input : {InputType::kFloat16, InputType::kBFloat16, InputType::kFloat32}) {
    for (ValueType value :
         {ValueType::kFloat8E4M3FN, ValueType::kFloat8E4M3FNUZ, ValueType::kInt8}) {
      for (bool rounds : {false, true}) {
        for (int group_size : hip::kGroupSizes) {
          for (hip::Shape shape :
               {hip::Shape::kWide, hip::Shape::kNarrow, hip::Shape::kUnaligned}) {
            const size_t index = hip::kernel_index(input, value, rounds, group_size, shape);
            if (!seen.insert(index).second) continue;
            std::printf("%s %ld %u %u %u\n", names.at(index).c_str(),
                        hip::elements_of_a_program(shape), hip::threads_of_a_program(shape, 32),
                        hip::threads_of_a_program(shape, 64), hip::kSharedBytes);
          }
        }
      }
    }
  }
}

int main(int count, char** words) {
  if (count == 2) {
    show_kernels();
    return 0;
  }
  auto number = [&](int i) { return std::strtoll(words[i], nullptr, 0); };
  const int device = static_cast<int>(number(3));
  hip::Call call{.input_type = static_cast<InputType>(number(4)),
                 .value_type = static_cast<ValueType>(number(5)),
                 .rounds_to_input_type = number(6) != 0,
                 .num_tokens = number(7),
                 .hidden_size = number(8),
                 .group_size = number(9),
                 .arguments = {}};
  call.arguments.out = reinterpret_cast<void*>(number(10));
  call.arguments.input = reinterpret_cast<void*>(number(11));
  call.arguments.scales = reinterpret_cast<float*>(number(12));
  call.arguments.scale_bound = reinterpret_cast<float*>(number(13));
  call.arguments.input_row_stride = number(14);
  call.arguments.out_row_stride = number(15);
  call.arguments.scale_token_stride = number(16);
  call.arguments.scale_group_stride = number(17);
  KernelSet kernels(hip_driver, words[2], hip::kernel_names());
  try {
    hip::launch_slices(call, kernels.facts(device).wave_size,
                       [&](size_t index, const Grid& grid, const hip::Arguments& arguments) {
                         kernels.launch(device, index, grid, arguments, reinterpret_cast<void*>(9));
                       });
  } catch (const std::exception& error) {
    std::printf("refused: %s\n", error.what());
  }
}
