#include "ops.h"

TORCH_LIBRARY_EXPAND(TORCH_EXTENSION_NAME, ops) {
  ops.def("norm(Tensor! out) -> ()");
  ops.impl("norm", torch::kCUDA, &norm);
#if defined(ENABLE_NVFP4) && ENABLE_NVFP4
  ops.def("silu_and_mul_nvfp4_quant(Tensor! out) -> ()");
  ops.impl("silu_and_mul_nvfp4_quant", torch::kCUDA, &silu_and_mul_nvfp4_quant);
#endif
}
