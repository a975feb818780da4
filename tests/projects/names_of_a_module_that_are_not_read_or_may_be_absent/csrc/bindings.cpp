#include <torch/extension.h>

PYBIND11_MODULE(TORCH_EXTENSION_NAME, m) {
  m.def("stride_of", [](const torch::Tensor& input) { return input.stride(0); });
  m.def("make_shadow", [](const torch::Tensor& input, bool detach) { return input.alias(); });
}
