#include <torch/extension.h>

torch::Tensor shift(const torch::Tensor& input) {
  return input;
}

PYBIND11_MODULE(TORCH_EXTENSION_NAME, m) {
  m.def("shift", &shift);
}
