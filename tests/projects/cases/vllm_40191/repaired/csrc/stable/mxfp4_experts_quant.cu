#include "ops.h"

void mxfp4_experts_quant(torch::stable::Tensor& out) {}

void silu_and_mul_mxfp4_experts_quant(torch::stable::Tensor& out) {}

STABLE_TORCH_LIBRARY_IMPL(_C, CUDA, m) {
  m.impl("mxfp4_experts_quant", TORCH_BOX(&mxfp4_experts_quant));
  m.impl("silu_and_mul_mxfp4_experts_quant", TORCH_BOX(&silu_and_mul_mxfp4_experts_quant));
}
