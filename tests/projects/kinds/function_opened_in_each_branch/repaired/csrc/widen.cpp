#include <torch/library.h>

namespace demo {
#ifdef DEMO_WIDE
at::Tensor widen(const at::Tensor& input, int64_t lanes) {
#else
at::Tensor widen(const at::Tensor& input) {
#endif
  return input;
}
}  // namespace demo

TORCH_LIBRARY(demo, library) {
  library.def("widen(Tensor input, int lanes) -> Tensor");
  library.impl("widen", torch::kCPU, &demo::widen);
}

PyMODINIT_FUNC PyInit__C() {
  static PyModuleDef definition = {PyModuleDef_HEAD_INIT, "_C"};
  return PyModule_Create(&definition);
}
