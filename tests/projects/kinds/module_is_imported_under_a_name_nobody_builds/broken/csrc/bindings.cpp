#include <torch/extension.h>

at::Tensor scale(const at::Tensor& input, double factor) { return input * factor; }

PYBIND11_MODULE(TORCH_EXTENSION_NAME, m) { m.def("scale", &scale); }
