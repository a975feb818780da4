#include <pybind11/pybind11.h>

int fold(int input);

PYBIND11_MODULE(_core, module) { module.def("fold", &fold); }
