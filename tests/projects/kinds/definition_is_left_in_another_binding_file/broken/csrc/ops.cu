#include "ops.h"

at::Tensor scale(const at::Tensor& input) {
  return input * 2;
}

at::Tensor shift(const at::Tensor& input) {
  return input + 1;
}
