#include <torch/extension.h>

torch::Tensor forward_half(const torch::Tensor& input) {
  return input * 2;
}

torch::Tensor forward_float(const torch::Tensor& input) {
  return input * 4;
}

PYBIND11_MODULE(TORCH_EXTENSION_NAME, m) {
  m.def("forward_float", &forward_float);
}
