#include "ops.h"

torch::Tensor shift_on_device(const torch::Tensor& input) {
  return input;
}

torch::Tensor shift(const torch::Tensor& input) {
  return shift_on_device(input);
}
