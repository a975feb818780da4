#include <torch/extension.h>

at::Tensor fused_gate(const at::Tensor& input) {
  return input * 2;
}

at::Tensor shift(const at::Tensor& input) {
  return input + 1;
}

TORCH_LIBRARY(demo, m) {
  m.def("fused_gate(Tensor input) -> Tensor");
  m.def("shift(Tensor input) -> Tensor");
  m.impl("shift", c10::kCUDA, &shift);
  m.def("kimi_fused_gate(Tensor input) -> Tensor");
}

PYBIND11_MODULE(TORCH_EXTENSION_NAME, m) {}
