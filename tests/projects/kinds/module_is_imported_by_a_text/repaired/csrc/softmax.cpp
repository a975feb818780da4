#include <torch/extension.h>

at::Tensor softmax_(at::Tensor input) {
  return input.softmax(-1);
}

at::Tensor softmax_gradient_(at::Tensor gradient) {
  return gradient;
}

PYBIND11_MODULE(TORCH_EXTENSION_NAME, m) {
  m.def("forward_", &softmax_);
  m.def("backward_", &softmax_gradient_);
}
