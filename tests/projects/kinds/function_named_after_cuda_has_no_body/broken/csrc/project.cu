#include <torch/extension.h>

at::Tensor cuda_turn(const at::Tensor& input) {
  return input + 1;
}
