#include <torch/extension.h>

at::Tensor scale(const at::Tensor& input, double factor) { return input * factor; }

int version(int part) { return 13 * part; }

PYBIND11_MODULE(TORCH_EXTENSION_NAME, m) {
  m.def("scale", &scale);
  m.def("version", &version);
}
