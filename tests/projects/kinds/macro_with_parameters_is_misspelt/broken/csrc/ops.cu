#include "ops.h"

torch::Tensor shift(const torch::Tensor& input) {
#if WITH_FSAT_MATH()
  return input;
#else
  return input + 1;
#endif
}

torch::Tensor scale(const torch::Tensor& input) {
#if WITH_FAST_MATH()
  return input;
#else
  return input * 2;
#endif
}
