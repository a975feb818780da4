#include "ops.h"

TORCH_LIBRARY_EXPAND(TORCH_EXTENSION_NAME, ops) {
#if CUTLASS_VERSION >= 400
  ops.def("permute(Tensor input) -> Tensor");
  ops.impl("permute", torch::kCUDA, &permute);
#endif
}
