#include <torch/extension.h>

at::Tensor cuda_project(const at::Tensor& input);
at::Tensor cuda_turn(const at::Tensor& input);

at::Tensor project(const at::Tensor& input) {
  return cuda_project(cuda_turn(input));
}

PYBIND11_MODULE(TORCH_EXTENSION_NAME, m) {
  m.def("project", &project);
}
