#include <torch/extension.h>

torch::Tensor shift(const torch::Tensor& input) {
  return input;
}

PYBIND11_MODULE(_shift, m) {
  m.def("shift", &shift);
}
