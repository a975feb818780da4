#include <torch/library.h>

int compare(const void* first, const void* second);

void order(int64_t* values, int64_t count) {
  qsort(values, count, sizeof(int64_t), compare);
}

TORCH_LIBRARY(demo, library) { library.def("count(Tensor input) -> int"); }

PyMODINIT_FUNC PyInit__C() {
  static PyModuleDef definition = {PyModuleDef_HEAD_INIT, "_C"};
  return PyModule_Create(&definition);
}
