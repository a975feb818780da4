#include "reduce.h"

TORCH_LIBRARY(demo, library) {
  library.def("reduce(Tensor input, int axis) -> Tensor");
  library.impl("reduce", torch::kCPU, &reduce);
}

PyMODINIT_FUNC PyInit__C() {
  static PyModuleDef definition = {PyModuleDef_HEAD_INIT, "_C"};
  return PyModule_Create(&definition);
}
