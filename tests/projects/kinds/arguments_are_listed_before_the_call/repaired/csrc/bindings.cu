#include <torch/extension.h>

at::Tensor scale(const at::Tensor& input, double factor, bool inverse) {
  return inverse ? input / factor : input * factor;
}

PYBIND11_MODULE(TORCH_EXTENSION_NAME, m) {
  m.def("scale", &scale);
}
