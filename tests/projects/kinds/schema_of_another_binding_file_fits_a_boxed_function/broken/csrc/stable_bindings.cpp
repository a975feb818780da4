#include <torch/csrc/stable/library.h>

using torch::stable::Tensor;

Tensor shift(Tensor input, double amount, int64_t axis);

void boxed_shift(StableIValue* stack, uint64_t num_args, uint64_t num_outputs) {
  auto input = to<Tensor>(stack[0]);
  auto amount = to<double>(stack[1]);
  auto axis = to<int64_t>(stack[2]);
  stack[0] = from(shift(input, amount, axis));
}

STABLE_TORCH_LIBRARY(demo, m) {
  m.def("shift(Tensor input, float amount) -> Tensor");
}

STABLE_TORCH_LIBRARY_IMPL(demo, CUDA, m) {
  m.impl("shift", &boxed_shift);
}

PyMODINIT_FUNC PyInit__C() {
  static PyModuleDef definition = {PyModuleDef_HEAD_INIT, "_C"};
  return PyModule_Create(&definition);
}
