#include "ops.h"

torch::Tensor shift_rows(const torch::Tensor& input) {
  return input;
}

torch::Tensor scale_rows(const torch::Tensor& input) {
  return input;
}
