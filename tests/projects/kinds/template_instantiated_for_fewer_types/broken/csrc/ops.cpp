#include "scale.h"

at::Tensor twice(const at::Tensor& input) {
  if (input.is_floating_point()) return scale<float>(input, 2);
  return scale<int64_t>(input, 2);
}

TORCH_LIBRARY(demo, library) { library.def("twice(Tensor input) -> Tensor", &twice); }

PyMODINIT_FUNC PyInit__C() {
  static PyModuleDef definition = {PyModuleDef_HEAD_INIT, "_C"};
  return PyModule_Create(&definition);
}
