#include "ops.h"

TORCH_LIBRARY_EXPAND(TORCH_EXTENSION_NAME, ops) {
  ops.def("scaled_mm(Tensor input) -> Tensor");
  ops.impl("scaled_mm", torch::kCUDA, &scaled_mm);
  ops.def("fp4_mm(Tensor input) -> Tensor");
  ops.impl("fp4_mm", torch::kCUDA, &fp4_mm);
}
