#include <torch/extension.h>

at::Tensor deform_forward(const at::Tensor& input) {
  return input + 1;
}

at::Tensor deform_backward(const at::Tensor& input) {
  return input - 1;
}

PYBIND11_MODULE(TORCH_EXTENSION_NAME, m) {
  m.def("deform_forward", &deform_forward);
}
