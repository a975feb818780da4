#include <torch/library.h>

#include "moe.h"

TORCH_LIBRARY(_moe_C, ops) {
  ops.def("moe_sum(Tensor input, Tensor! output) -> ()");
  ops.impl("moe_sum", torch::kCUDA, &moe_sum);
}

PyMODINIT_FUNC PyInit__moe_C() {
  static PyModuleDef definition = {PyModuleDef_HEAD_INIT, "_moe_C"};
  return PyModule_Create(&definition);
}
