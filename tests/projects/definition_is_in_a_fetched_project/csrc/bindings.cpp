#include "ops.h"

TORCH_LIBRARY_EXPAND(TORCH_EXTENSION_NAME, ops) {
  ops.def("mla_decode(Tensor input) -> Tensor");
  ops.impl("mla_decode", torch::kCUDA, &mla_decode);
}
