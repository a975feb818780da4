#include "ops.h"

torch::Tensor shift(const torch::Tensor& input) {
  return input + 1;
}

torch::Tensor scale(const torch::Tensor& input) {
  return input * 2;
}
