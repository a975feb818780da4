#include <torch/extension.h>

namespace old {
at::Tensor layer_forward(const at::Tensor& input) {
  return input.clone();
}
at::Tensor layer_backward(const at::Tensor& input) {
  return input.clone();
}
at::Tensor layer_assign(const at::Tensor& input) {
  return input.clone();
}
at::Tensor layer_create(const at::Tensor& input) {
  return input.clone();
}
}  // namespace old

PYBIND11_MODULE(TORCH_EXTENSION_NAME, m) {
  m.def("layer_forward", &old::layer_forward);
  m.def("layer_backward", &old::layer_backward);
  m.def("layer_assign", &old::layer_assign);
  m.def("layer_create", &old::layer_create);
}
