#include "ops.h"

torch::Tensor shift(const torch::Tensor& input) {
  return input;
}

torch::Tensor scale(const torch::Tensor& input) {
  return input;
}
