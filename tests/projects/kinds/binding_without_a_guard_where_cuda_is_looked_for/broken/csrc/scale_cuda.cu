#include <torch/extension.h>

at::Tensor scale_cuda(const at::Tensor& input) {
  return input * 2;
}
