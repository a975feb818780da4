#include <torch/extension.h>

at::Tensor pack(const at::Tensor& input, int64_t width) { return input; }

PYBIND11_MODULE(TORCH_EXTENSION_NAME, module) {
  module.def("pack", &pack, py::arg("input"), py::arg("width"));
  module.attr("kWidth") = 32;
}
