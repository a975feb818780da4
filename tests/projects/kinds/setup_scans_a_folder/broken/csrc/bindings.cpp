#include <torch/library.h>

at::Tensor fold(const at::Tensor& input);
at::Tensor turn(const at::Tensor& input);

TORCH_LIBRARY(demo, library) {
  library.def("fold(Tensor input) -> Tensor");
  library.impl("fold", torch::kCPU, &fold);
  library.def("turn(Tensor input) -> Tensor");
  library.impl("turn", torch::kCPU, &turn);
}

PyMODINIT_FUNC PyInit__C() {
  static PyModuleDef definition = {PyModuleDef_HEAD_INIT, "_C"};
  return PyModule_Create(&definition);
}
