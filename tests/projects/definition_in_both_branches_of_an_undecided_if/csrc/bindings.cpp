#include "ops.h"

TORCH_LIBRARY_EXPAND(TORCH_EXTENSION_NAME, ops) {
  ops.def("permute(Tensor input) -> Tensor");
  ops.impl("permute", torch::kCUDA, &permute);
}
