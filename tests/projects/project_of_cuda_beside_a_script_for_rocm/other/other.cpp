#include <torch/extension.h>

torch::Tensor twice(const torch::Tensor& input) {
  return 2 * input;
}

PYBIND11_MODULE(TORCH_EXTENSION_NAME, m) {
  m.def("twice", &twice);
}
