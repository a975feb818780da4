#include <torch/library.h>

#ifdef DEMO_CUDA
at::Tensor on_device(const at::Tensor& input);
#endif

at::Tensor entry(const at::Tensor& input) {
#ifdef DEMO_CUDA
  if (input.is_cuda()) return on_device(input);
#endif
  return input;
}

TORCH_LIBRARY(demo, library) { library.def("entry(Tensor input) -> Tensor", &entry); }

PyMODINIT_FUNC PyInit__C() {
  static PyModuleDef definition = {PyModuleDef_HEAD_INIT, "_C"};
  return PyModule_Create(&definition);
}
