#include <torch/library.h>

at::Tensor rotate(const at::Tensor& input);

TORCH_LIBRARY(demo, library) {
  library.def("rotate(Tensor input) -> Tensor");
  library.impl("rotate", torch::kCUDA, &rotate);
}

PyMODINIT_FUNC PyInit__C() {
  static PyModuleDef definition = {PyModuleDef_HEAD_INIT, "_C"};
  return PyModule_Create(&definition);
}
