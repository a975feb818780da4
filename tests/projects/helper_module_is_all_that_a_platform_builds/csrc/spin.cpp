#include <pybind11/pybind11.h>

int spin(int count) {
  return count;
}

PYBIND11_MODULE(spin, m) {
  m.def("spin", &spin);
}
