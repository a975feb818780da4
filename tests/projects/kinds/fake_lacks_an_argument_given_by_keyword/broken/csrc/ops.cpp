#include <torch/library.h>

at::Tensor blend(const at::Tensor& input, double weight, bool clamp);

TORCH_LIBRARY(demo, library) {
  library.def("blend(Tensor input, *, float weight, bool clamp) -> Tensor");
  library.impl("blend", torch::kCUDA, &blend);
}

PyMODINIT_FUNC PyInit__C() {
  static PyModuleDef definition = {PyModuleDef_HEAD_INIT, "_C"};
  return PyModule_Create(&definition);
}
