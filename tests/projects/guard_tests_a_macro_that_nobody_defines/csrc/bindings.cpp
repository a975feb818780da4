#include "ops.h"

TORCH_LIBRARY_EXPAND(TORCH_EXTENSION_NAME, ops) {
  ops.def("norm(Tensor input) -> Tensor");
  ops.impl("norm", torch::kCUDA, &norm);
#ifndef IS_ROCM
  ops.def("machete(Tensor input) -> Tensor");
  ops.impl("machete", torch::kCUDA, &machete);
#endif
}
