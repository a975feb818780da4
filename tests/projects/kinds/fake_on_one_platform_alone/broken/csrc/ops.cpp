#include <torch/library.h>

at::Tensor spin(const at::Tensor& input);

TORCH_LIBRARY(demo, library) {
  library.def("spin(Tensor input) -> Tensor");
  library.impl("spin", torch::kCUDA, &spin);
}

PyMODINIT_FUNC PyInit__C() {
  static PyModuleDef definition = {PyModuleDef_HEAD_INIT, "_C"};
  return PyModule_Create(&definition);
}
