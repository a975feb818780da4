#include <torch/extension.h>

#define DEMO_MODULE PYBIND11_MODULE

at::Tensor shift(const at::Tensor& input);

DEMO_MODULE(TORCH_EXTENSION_NAME, m) {
  m.def("shfit", &shift);
}
