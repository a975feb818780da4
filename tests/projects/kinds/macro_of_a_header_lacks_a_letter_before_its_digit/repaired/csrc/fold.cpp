#include <torch/extension.h>

#include "config.h"

at::Tensor fold(const at::Tensor& input) {
#ifdef USE_AVX2
  return input.sum(0);
#else
  return input.sum();
#endif
}
