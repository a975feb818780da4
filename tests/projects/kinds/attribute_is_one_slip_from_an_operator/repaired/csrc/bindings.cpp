#include <torch/extension.h>

at::Tensor histogram(const at::Tensor& x) { return x.histc(10); }

PYBIND11_MODULE(TORCH_EXTENSION_NAME, m) { m.def("histogram", &histogram); }
