#include <torch/extension.h>

at::Tensor scale(const at::Tensor& input) {
  return input * 2;
}
