#include "ops.h"

TORCH_LIBRARY_EXPAND(TORCH_EXTENSION_NAME, ops) {
  ops.def("cutlass_scaled_mm_supports_fp8(int capability) -> bool");
  ops.impl("cutlass_scaled_mm_supports_fp8", &cutlass_scaled_mm_supports_fp8);
  ops.def("cutlass_scaled_mm_supports_block_fp8(int capability) -> bool");
  ops.impl("cutlass_scaled_mm_supports_block_fp8", &cutlass_scaled_mm_supports_fp8);
}
