#include "ops.h"

TORCH_LIBRARY_EXPAND(TORCH_EXTENSION_NAME, ops) {
  ops.def("norm(Tensor! out) -> ()");
  ops.impl("norm", torch::kCUDA, &norm);
#ifndef USE_ROCM
  ops.def("silu_and_mul_nvfp4_quant(Tensor! out) -> ()");
  ops.impl("silu_and_mul_nvfp4_quant", torch::kCUDA, &silu_and_mul_nvfp4_quant);
#endif
}
