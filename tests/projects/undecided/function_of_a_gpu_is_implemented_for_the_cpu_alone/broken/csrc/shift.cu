#include <torch/extension.h>

at::Tensor shift(const at::Tensor& input) {
  return input + 1;
}
