#include <torch/csrc/stable/library.h>

void boxed_pair(StableIValue* values, uint64_t given, uint64_t returned) {
  auto left = to<torch::stable::Tensor>(values[0]);
  auto right = to<torch::stable::Tensor>(values[1]);
  values[0] = from(left);
}

STABLE_TORCH_LIBRARY_FRAGMENT(demo, library) { library.def("pair(Tensor left, Tensor right) -> Tensor"); }

STABLE_TORCH_LIBRARY_IMPL(demo, CPU, library) { library.impl("pair", boxed_pair); }

PyMODINIT_FUNC PyInit__C() {
  static PyModuleDef definition = {PyModuleDef_HEAD_INIT, "_C"};
  return PyModule_Create(&definition);
}
