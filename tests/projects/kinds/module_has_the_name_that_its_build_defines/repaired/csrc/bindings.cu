#include <torch/extension.h>

at::Tensor fold(const at::Tensor& input) {
  return input * 2;
}

at::Tensor shift(const at::Tensor& input) {
  return input + 1;
}

PYBIND11_MODULE(TORCH_EXTENSION_NAME, m) {
  m.def("fold", &fold);
  m.def("shift", &shift);
}
