// Runs the CPU kernel of the capability that it is compiled for on every type, format, group size
// and mode, and prints a line with a hash of codes and scales for each, to be compared with those
// of other capabilities and processors: cpu_kernel_program <least group size> <1 to look SiLU up>.
#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <limits>
#include <vector>

#include "operators/silu_and_mul_per_block_quant/cpu_kernel.h"

namespace {

namespace kernels = opparity::silu_and_mul_per_block_quant;
using kernels::InputType;
using kernels::ValueType;

constexpr int64_t kTokens = 65;
// Three groups of the largest size, and so no whole number of the kernel's tiles.
constexpr int64_t kWidth = 768;

// Every 16-bit pattern occurs: NaN, infinities and subnormal numbers. In half of the tokens
// exponents are those of activations, or almost every group would hold a NaN.
std::vector<uint32_t> patterns() {
  std::vector<uint32_t> result(kTokens * 2 * kWidth);
  uint64_t state = 1;
  for (uint32_t index = 0; index < result.size(); ++index) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    const auto noise = static_cast<uint32_t>(state >> 32);
    const bool is_ordinary = (index / (2 * kWidth)) % 2 == 0;
    result[index] = is_ordinary ? (noise & 0x83ffffffu) | 0x3c000000u : noise ^ (index << 16);
  }
  return result;
}

uint64_t hash(uint64_t state, const void* data, size_t size) {
  const auto* bytes = static_cast<const uint8_t*>(data);
  for (size_t i = 0; i < size; ++i) state = (state ^ bytes[i]) * 1099511628211u;
  return state;
}

uint64_t run(const kernels::Arguments& base, std::vector<uint8_t>& out,
             std::vector<float>& scales) {
  kernels::Arguments arguments = base;
  arguments.out = out.data();
  arguments.scales = scales.data();
  const int64_t groups = kTokens * (kWidth / base.group_size);
  // Two calls that meet within a token, as two threads' may.
  kernels::OPPARITY_CAPABILITY(arguments, 0, groups / 2);
  kernels::OPPARITY_CAPABILITY(arguments, groups / 2, groups);
  const uint64_t codes = hash(14695981039346656037u, out.data(), out.size());
  return hash(codes, scales.data(), static_cast<size_t>(groups) * sizeof(float));
}

}  // namespace

int main(int, char** command) {
  const int64_t least_group = std::strtoll(command[1], nullptr, 10);
  const bool looks_up = command[2][0] == '1';
  const std::vector<uint32_t> wide = patterns();
  // A row may begin at an odd element.
  std::vector<uint16_t> narrow(wide.size() + 1);
  for (size_t i = 0; i < wide.size(); ++i) narrow[i + 1] = static_cast<uint16_t>(wide[i] >> 16);
  std::vector<uint8_t> out(kTokens * kWidth);
  std::vector<float> scales(kTokens * kWidth / 16);
  constexpr float kNone = std::numeric_limits<float>::infinity();
  for (InputType input : {InputType::kFloat16, InputType::kBFloat16, InputType::kFloat32}) {
    for (ValueType value :
         {ValueType::kFloat8E4M3FN, ValueType::kFloat8E4M3FNUZ, ValueType::kInt8}) {
      for (int64_t group : {16, 32, 64, 128, 256}) {
        if (group < least_group) continue;
        for (bool rounds : {false, true}) {
          for (float bound : {kNone, 0.003f, 1e-9f}) {
            const bool is_wide = input == InputType::kFloat32;
            const void* data = is_wide ? static_cast<const void*>(wide.data()) : narrow.data() + 1;
            const kernels::Arguments arguments{.input = data,
                                               .input_row_stride = 2 * kWidth,
                                               .out = nullptr,
                                               .out_row_stride = kWidth,
                                               .scales = nullptr,
                                               .scale_token_stride = 1,
                                               .scale_group_stride = kTokens,
                                               .hidden_size = kWidth,
                                               .group_size = group,
                                               .input_type = input,
                                               .value_type = value,
                                               .rounds_to_input_type = rounds,
                                               .looks_up_silu = looks_up,
                                               .has_scale_bound = bound != kNone,
                                               .scale_bound = bound};
            std::printf("input %d value %d group %d rounds %d bound %g: %016" PRIx64 "\n",
                        static_cast<int>(input), static_cast<int>(value), static_cast<int>(group),
                        rounds, static_cast<double>(bound), run(arguments, out, scales));
          }
        }
      }
    }
  }
}
