#include <torch/library.h>

at::Tensor spin_kernel(const at::Tensor& input);

at::Tensor spin(const at::Tensor& input) { return spin_kernel(input); }

TORCH_LIBRARY(demo, library) { library.def("spin(Tensor input) -> Tensor", &spin); }

PyMODINIT_FUNC PyInit__C() {
  static PyModuleDef definition = {PyModuleDef_HEAD_INIT, "_C"};
  return PyModule_Create(&definition);
}
