#include "ops.h"

PYBIND11_MODULE(TORCH_EXTENSION_NAME, m) {
  m.def("shift_cpu", &shift_cpu);
  m.def("scale_cpu", &scale_cpu);
}
