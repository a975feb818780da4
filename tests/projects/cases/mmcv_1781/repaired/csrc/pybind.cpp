#include <torch/extension.h>

void deform_conv_forward(at::Tensor input, at::Tensor weight, int kW, int kH);

PYBIND11_MODULE(TORCH_EXTENSION_NAME, m) {
  m.def("deform_conv_forward", &deform_conv_forward, "forward", py::arg("input"), py::arg("weight"), py::arg("kW"), py::arg("kH"));
}
