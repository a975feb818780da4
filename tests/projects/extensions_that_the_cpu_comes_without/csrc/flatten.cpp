#include <torch/extension.h>

torch::Tensor flatten(torch::Tensor input) { return input; }

PYBIND11_MODULE(TORCH_EXTENSION_NAME, m) { m.def("forward", &flatten); }
