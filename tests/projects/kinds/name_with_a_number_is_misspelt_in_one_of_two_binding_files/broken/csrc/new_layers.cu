#include <torch/extension.h>

namespace fresh {
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
}  // namespace fresh

PYBIND11_MODULE(TORCH_EXTENSION_NAME, m) {
  m.def("attention_v1", &fresh::attention_v1);
  m.def("attention_2v", &fresh::attention_v2);
  m.def("reshape_rows", &fresh::reshape_rows);
  m.def("copy_rows", &fresh::copy_rows);
}
