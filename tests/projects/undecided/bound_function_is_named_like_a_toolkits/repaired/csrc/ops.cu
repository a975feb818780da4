#include "ops.h"

torch::Tensor scale(const torch::Tensor& input) {
  return input;
}

torch::Tensor cudaQuantize(const torch::Tensor& input) {
  return input;
}
