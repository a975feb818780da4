#include "ops.h"

TORCH_LIBRARY_FRAGMENT(demo, m) {
  m.def("shift(Tensor input) -> Tensor", &shift);
}

PyMODINIT_FUNC PyInit__C() {
  static PyModuleDef definition = {PyModuleDef_HEAD_INIT, "_C"};
  return PyModule_Create(&definition);
}
