#include <torch/extension.h>

at::Tensor shift(const at::Tensor& input);

TORCH_LIBRARY(demo, m) {
  m.def("shift(Tensor input) -> Tensor");
}

TORCH_LIBRARY_IMPL(demo, CUDA, m) {
  m.impl("shift", &shift);
}

// So that a call without data fails in words.
TORCH_LIBRARY_IMPL(demo, CPU, m) {
  m.impl("shift", &shift);
}

PYBIND11_MODULE(TORCH_EXTENSION_NAME, m) {}
