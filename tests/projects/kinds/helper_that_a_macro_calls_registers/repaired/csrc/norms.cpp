#include "register.h"

at::Tensor norm(const at::Tensor& input) { return input; }

void register_norms(torch::Library& library) {
  library.def("norm(Tensor input) -> Tensor");
  library.impl("norm", torch::kCPU, &norm);
}

PyMODINIT_FUNC PyInit__C() {
  static PyModuleDef definition = {PyModuleDef_HEAD_INIT, "_C"};
  return PyModule_Create(&definition);
}
