#include "ops.h"

TORCH_LIBRARY_EXPAND(TORCH_EXTENSION_NAME, ops) {
  ops.def("norm(Tensor input) -> Tensor");
  ops.impl("norm", torch::kCUDA, &norm);
}
