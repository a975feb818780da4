#include "ops.h"

void gelu_and_mul(torch::Tensor& out, torch::Tensor& input) { out.copy_(input); }
#ifndef USE_ROCM
void silu_and_mul_quant(torch::Tensor& out, torch::Tensor& input, torch::Tensor& scale) {
  out.copy_(input * scale);
}
#endif
