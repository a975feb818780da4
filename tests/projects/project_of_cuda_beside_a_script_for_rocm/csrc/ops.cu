#include "ops.h"

#if defined(CUDA_VERSION) && CUDA_VERSION >= 12000
torch::Tensor shift_fast(const torch::Tensor& input) {
  return input;
}
#endif

torch::Tensor shift(const torch::Tensor& input) {
  return shift_fast(input);
}
