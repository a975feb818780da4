#include "ops.h"

template <typename Element>
__global__ void silu_and_mul_kernel(Element* out, Element const* input, int64_t width) {
  int64_t const row = blockIdx.x;
  for (int64_t column = threadIdx.x; column < width; column += blockDim.x) {
    float const gate = static_cast<float>(input[row * 2 * width + column]);
    float const up = static_cast<float>(input[row * 2 * width + width + column]);
    out[row * width + column] = static_cast<Element>(gate / (1.0f + expf(-gate)) * up);
  }
}

void silu_and_mul(torch::Tensor& out, torch::Tensor const& input) {
  int64_t const width = input.size(-1) / 2;
  silu_and_mul_kernel<float>
      <<<input.size(0), 256>>>(out.data_ptr<float>(), input.data_ptr<float>(), width);
}
