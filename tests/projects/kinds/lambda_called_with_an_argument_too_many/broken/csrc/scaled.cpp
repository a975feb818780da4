#include <torch/extension.h>

PYBIND11_MODULE(TORCH_EXTENSION_NAME, module) {
  module.def("scaled", [](const at::Tensor& input, double factor) { return input * factor; });
}
