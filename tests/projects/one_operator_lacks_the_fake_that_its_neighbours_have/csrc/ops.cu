#include "ops.h"

torch::Tensor shift(const torch::Tensor& input) {
  return input;
}

torch::Tensor scale(const torch::Tensor& input) {
  return input;
}

torch::Tensor turn(const torch::Tensor& input) {
  return input;
}

torch::Tensor fold(const torch::Tensor& input) {
  return input;
}

torch::Tensor spread(const torch::Tensor& input) {
  return input;
}
