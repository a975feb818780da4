#include <torch/extension.h>

torch::Tensor shift_rows(const torch::Tensor& input) {
  return input;
}

torch::Tensor scale_rows(const torch::Tensor& input) {
  return input;
}

PYBIND11_MODULE(TORCH_EXTENSION_NAME, m) {
  m.def("shift_rows", &shift_rows);
  m.def("scale_rows", &scale_rows);
}
