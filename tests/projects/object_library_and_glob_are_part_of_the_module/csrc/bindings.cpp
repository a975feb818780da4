#include "ops.h"

TORCH_LIBRARY_EXPAND(TORCH_EXTENSION_NAME, ops) {
  ops.def("skinny(Tensor input) -> Tensor");
  ops.impl("skinny", torch::kCUDA, &skinny);
  ops.def("marlin(Tensor input) -> Tensor");
  ops.impl("marlin", torch::kCUDA, &marlin);
}
