#include "ops.h"

void silu_and_mul_quant(torch::Tensor& out, torch::Tensor& input, torch::Tensor& scale) {
  out.copy_(input * scale);
}
