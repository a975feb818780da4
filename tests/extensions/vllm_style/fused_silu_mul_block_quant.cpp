// In the source list of CUDA alone.
#include <algorithm>
#include <cmath>

#include "ops.h"

void silu_and_mul_per_block_quant(torch::stable::Tensor out, const torch::stable::Tensor input,
                                  torch::stable::Tensor scales, int64_t group_size) {
  const auto* source = static_cast<const float*>(input.const_data_ptr());
  auto* target = static_cast<int8_t*>(out.mutable_data_ptr());
  auto* scale = static_cast<float*>(scales.mutable_data_ptr());
  const int64_t hidden_size = input.size(1) / 2;
  for (int64_t token = 0; token < input.size(0); ++token, source += 2 * hidden_size) {
    const auto product = [&](int64_t i) {
      return source[i] / (1.0f + std::exp(-source[i])) * source[hidden_size + i];
    };
    for (int64_t first = 0; first < hidden_size; first += group_size) {
      float amax = 0.0f;
      for (int64_t i = first; i < first + group_size; ++i) {
        amax = std::max(amax, std::fabs(product(i)));
      }
      *scale = amax / 127.0f;
      for (int64_t i = first; i < first + group_size; ++i) {
        *target++ = static_cast<int8_t>(std::nearbyint(product(i) / *scale));
      }
      ++scale;
    }
  }
}
