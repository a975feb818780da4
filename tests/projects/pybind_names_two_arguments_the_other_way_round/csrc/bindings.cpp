#include <torch/extension.h>

void deform(at::Tensor input, int pad_width, int pad_height) {}

PYBIND11_MODULE(TORCH_EXTENSION_NAME, m) {
  m.def("deform", &deform, py::arg("input"), py::arg("pad_height"), py::arg("pad_width"));
}
