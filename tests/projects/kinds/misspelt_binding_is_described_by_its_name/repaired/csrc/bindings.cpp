#include "ops.h"

PYBIND11_MODULE(TORCH_EXTENSION_NAME, m) {
  m.def("shift_rows", &shift_rows, "shift_rows");
  m.def("scale_rows", &scale_rows, "scale_rows");
}
