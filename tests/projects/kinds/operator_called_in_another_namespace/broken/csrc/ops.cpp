#include <torch/library.h>

at::Tensor norm(const at::Tensor& input);

TORCH_LIBRARY_FRAGMENT(demo_norm, library) {
  library.def("norm(Tensor input) -> Tensor");
  library.impl("norm", torch::kCUDA, &norm);
}
at::Tensor fold(const at::Tensor& input);

TORCH_LIBRARY(demo, library) {
  library.def("fold(Tensor input) -> Tensor");
  library.impl("fold", torch::kCUDA, &fold);
}

PyMODINIT_FUNC PyInit__C() {
  static PyModuleDef definition = {PyModuleDef_HEAD_INIT, "_C"};
  return PyModule_Create(&definition);
}
