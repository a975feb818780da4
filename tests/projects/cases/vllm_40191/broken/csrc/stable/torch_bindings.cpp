#include "ops.h"

STABLE_TORCH_LIBRARY_FRAGMENT(_C, m) {
  m.def("scaled_fp4_quant(Tensor! out) -> ()");
  m.def("mxfp4_experts_quant(Tensor! out) -> ()");
  m.def("silu_and_mul_mxfp4_experts_quant(Tensor! out) -> ()");
}

STABLE_TORCH_LIBRARY_IMPL(_C, CUDA, m) {
  m.impl("scaled_fp4_quant", TORCH_BOX(&scaled_fp4_quant));
  m.impl("mxfp4_experts_quant", TORCH_BOX(&mxfp4_experts_quant));
  m.impl("silu_and_mul_mxfp4_experts_quant", TORCH_BOX(&silu_and_mul_mxfp4_experts_quant));
}
