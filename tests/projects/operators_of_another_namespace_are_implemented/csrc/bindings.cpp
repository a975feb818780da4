#include <torch/extension.h>
#include <torch/library.h>

void barrier_xpu(const at::Tensor& tensor) {}

at::Tensor gather_xpu(const at::Tensor& tensor) {
  return tensor;
}

TORCH_LIBRARY_IMPL(c10d, XPU, m) {
  m.impl("barrier", barrier_xpu);
  m.impl("gather_", gather_xpu);
}

PYBIND11_MODULE(TORCH_EXTENSION_NAME, m) {}
