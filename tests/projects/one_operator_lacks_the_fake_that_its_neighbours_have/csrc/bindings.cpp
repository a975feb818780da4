#include "ops.h"

TORCH_LIBRARY(demo, m) {
  m.def("shift(Tensor input) -> Tensor");
  m.def("scale(Tensor input) -> Tensor");
  m.def("turn(Tensor input) -> Tensor");
  m.def("fold(Tensor input) -> Tensor");
  m.def("spread(Tensor input) -> Tensor");
}

TORCH_LIBRARY_IMPL(demo, CUDA, m) {
  m.impl("shift", &shift);
  m.impl("scale", &scale);
  m.impl("turn", &turn);
  m.impl("fold", &fold);
  m.impl("spread", &spread);
}

PyMODINIT_FUNC PyInit__C() {
  static PyModuleDef definition = {PyModuleDef_HEAD_INIT, "_C"};
  return PyModule_Create(&definition);
}
