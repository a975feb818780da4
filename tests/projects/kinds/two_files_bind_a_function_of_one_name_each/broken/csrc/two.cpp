#include <torch/extension.h>

at::Tensor unpack(const at::Tensor& packed) {
  return packed;
}

PYBIND11_MODULE(TORCH_EXTENSION_NAME, m) {
  m.def("unpack_all", &unpack);
}
