#include "ops.h"

TORCH_LIBRARY_EXPAND(TORCH_EXTENSION_NAME, ops) {
  ops.def("norm(Tensor! out) -> ()");
  ops.impl("norm", torch::kCUDA, &norm);
  ops.def("cutlass_fp4_group_mm(Tensor! out) -> ()");
}
