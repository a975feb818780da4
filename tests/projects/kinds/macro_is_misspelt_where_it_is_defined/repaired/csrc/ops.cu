#include "ops.h"

#ifdef WITH_FAST_MATH
torch::Tensor shift(const torch::Tensor& input) {
  return input;
}
#else
torch::Tensor shift(const torch::Tensor& input) {
  return -input;
}
#endif

#ifdef WITH_FAST_MATH
torch::Tensor scale(const torch::Tensor& input) {
  return input;
}
#else
torch::Tensor scale(const torch::Tensor& input) {
  return -input;
}
#endif
