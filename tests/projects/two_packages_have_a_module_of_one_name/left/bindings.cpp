#include <torch/extension.h>

torch::Tensor left_shift(const torch::Tensor& input) {
  return input;
}

PYBIND11_MODULE(TORCH_EXTENSION_NAME, m) {
  m.def("left_shift", &left_shift);
}
