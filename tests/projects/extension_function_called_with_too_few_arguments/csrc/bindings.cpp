#include <torch/extension.h>

void norm_(torch::Tensor x, double epsilon, bool affine);

PYBIND11_MODULE(TORCH_EXTENSION_NAME, m) {
  m.def("norm_", &norm_, py::arg("x"), py::arg("epsilon"), py::arg("affine") = false);
}
