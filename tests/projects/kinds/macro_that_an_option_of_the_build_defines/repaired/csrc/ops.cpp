#include <torch/extension.h>

bool is_for_npus() {
#ifdef USE_ASCEND
  return true;
#else
  return false;
#endif
}

PYBIND11_MODULE(_C, m) { m.def("is_for_npus", &is_for_npus); }
