#include <torch/extension.h>

namespace old {
at::Tensor attention_v1(const at::Tensor& input) {
  return input.clone();
}
at::Tensor attention_v2(const at::Tensor& input) {
  return input.clone();
}
at::Tensor reshape_rows(const at::Tensor& input) {
  return input.clone();
}
at::Tensor copy_rows(const at::Tensor& input) {
  return input.clone();
}
}  // namespace old

PYBIND11_MODULE(TORCH_EXTENSION_NAME, m) {
  m.def("attention_v1", &old::attention_v1);
  m.def("attention_v2", &old::attention_v2);
  m.def("reshape_rows", &old::reshape_rows);
  m.def("copy_rows", &old::copy_rows);
}
