#include "ops.h"

TORCH_LIBRARY_EXPAND(TORCH_EXTENSION_NAME, ops) {
  ops.def("supports_fp8(Tensor input) -> Tensor");
  ops.impl("supports_fp8", torch::kCUDA, &supports_fp8);
  ops.def("supports_block_fp8(Tensor input) -> Tensor");
  ops.impl("supports_block_fp8", torch::kCUDA, &supports_fp8);
}
