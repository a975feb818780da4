#include "ops.h"

TORCH_LIBRARY_EXPAND(TORCH_EXTENSION_NAME, ops) {
  ops.def("norm(Tensor! out) -> ()");
  ops.impl("norm", torch::kCUDA, &norm);
  ops.def("static_scaled_int8_quant(Tensor! out) -> ()");
  ops.impl("static_scaled_int8_quant", torch::kCUDA, &static_scaled_int8_quant);
  ops.def("dynamic_scaled_int8_quant(Tensor! out) -> ()");
  ops.impl("dynamic_scaled_int8_quant", torch::kCUDA, &dynamic_scaled_int8_quant);
#ifndef USE_ROCM
  ops.def("per_token_group_quant_int8(Tensor! out) -> ()");
  ops.impl("per_token_group_quant_int8", torch::kCUDA, &per_token_group_quant_int8);
#endif
}
