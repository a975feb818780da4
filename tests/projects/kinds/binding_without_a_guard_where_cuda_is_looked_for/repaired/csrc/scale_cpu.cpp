#include <torch/extension.h>

at::Tensor scale_cpu(const at::Tensor& input) {
  return input * 2;
}
