#include <Python.h>
#include <torch/library.h>

#include "ops.h"

TORCH_LIBRARY(demo, ops) {
  ops.def("silu_and_mul(Tensor! out, Tensor input) -> ()");
  ops.impl("silu_and_mul", torch::kCUDA, &silu_and_mul);
  ops.def("silu_and_mul_quant(Tensor! out, Tensor! scales, Tensor input) -> ()");
  ops.impl("silu_and_mul_quant", torch::kCUDA, &silu_and_mul_quant);
}

// Nothing but what `import demo._C` needs: an empty module, whose import registers the operators.
PyMODINIT_FUNC PyInit__C() {
  static PyModuleDef definition = {PyModuleDef_HEAD_INIT, "_C", nullptr, -1, nullptr};
  return PyModule_Create(&definition);
}
