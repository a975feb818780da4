#include "ops.h"

TORCH_LIBRARY_EXPAND(TORCH_EXTENSION_NAME, ops) {
  ops.def("swap_blocks(Tensor input) -> Tensor");
  ops.impl("swap_blocks", torch::kCUDA, &swap_blocks);
}
