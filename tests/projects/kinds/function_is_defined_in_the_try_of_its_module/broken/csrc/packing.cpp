#include <torch/extension.h>

torch::Tensor unpack(const torch::Tensor& packed) {
  return packed * 2;
}

torch::Tensor pack(const torch::Tensor& input) {
  return input / 2;
}

PYBIND11_MODULE(TORCH_EXTENSION_NAME, m) {
  m.def("pack", &pack);
  m.def("unapck", &unpack);
}
