#include <torch/library.h>

at::Tensor roll(const at::Tensor& input);

TORCH_LIBRARY_FRAGMENT(demo, library) { library.def("roll(Tensor input) -> Tensor"); }

TORCH_LIBRARY_IMPL(demo, XPU, library) { library.impl("roll", &roll); }

PyMODINIT_FUNC PyInit__C() {
  static PyModuleDef definition = {PyModuleDef_HEAD_INIT, "_C"};
  return PyModule_Create(&definition);
}
