#include "define.h"
#include "ops.h"

TORCH_LIBRARY(demo, m) {
  m.def("shift(Tensor input) -> Tensor");
  m.impl("shift", torch::kCUDA, &shift);
  define_with_schema("scale", &scale, m);
  m.impl("scale", torch::kCUDA, &scale);
}

PyMODINIT_FUNC PyInit__C() {
  static PyModuleDef definition = {PyModuleDef_HEAD_INIT, "_C"};
  return PyModule_Create(&definition);
}
