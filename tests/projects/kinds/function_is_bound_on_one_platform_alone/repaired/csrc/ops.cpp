#include "ops.h"

torch::Tensor shift_cpu(const torch::Tensor& input) {
  return input + 1;
}

torch::Tensor scale_cpu(const torch::Tensor& input) {
  return input * 2;
}
