#include "ops.h"

TORCH_LIBRARY_EXPAND(TORCH_EXTENSION_NAME, ops) {
  ops.def("norm(Tensor! out) -> ()");
  ops.impl("norm", torch::kCUDA, &norm);
  ops.def("cutlass_mla_decode(Tensor! out) -> ()");
  ops.impl("cutlass_mla_decode", torch::kCUDA, &cutlass_mla_decode);
}
