#include "rotate.h"

namespace demo {

TORCH_LIBRARY(demo, m) {
  m.def("rotate", &rotate);
}

}  // namespace demo

PyMODINIT_FUNC PyInit__C() {
  static PyModuleDef definition = {PyModuleDef_HEAD_INIT, "_C"};
  return PyModule_Create(&definition);
}
