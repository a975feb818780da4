#include <torch/extension.h>

torch::Tensor scale(const torch::Tensor& input) {
  return input;
}

PYBIND11_MODULE(_scale, m) {
  m.def("scale", &scale);
}
