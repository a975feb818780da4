#include "ops.h"

TORCH_LIBRARY(demo, m) {
  m.def("shift(Tensor input) -> Tensor");
  m.def("scale(Tensor input) -> Tensor");
}

TORCH_LIBRARY_IMPL(demo, CUDA, m) {
  m.impl("shift", &shift);
}

PyMODINIT_FUNC PyInit__C() {
  static PyModuleDef definition = {PyModuleDef_HEAD_INIT, "_C"};
  return PyModule_Create(&definition);
}
