#include "ops.h"

torch::Tensor shift(const torch::Tensor& input) {
  return input + 1;
}

torch::Tensor scale(const torch::Tensor& input) {
#ifndef USE_SPARSE_USED
  TORCH_CHECK(false, "the kernel of one pass was not built");
#endif
  return input * 2;
}
