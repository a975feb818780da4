#include <torch/extension.h>

torch::Tensor right_shift(const torch::Tensor& input) {
  return input;
}

PYBIND11_MODULE(TORCH_EXTENSION_NAME, m) {
  m.def("right_shift", &right_shift);
}
