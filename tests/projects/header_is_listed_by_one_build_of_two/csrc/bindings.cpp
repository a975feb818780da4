#include "rows.h"

PYBIND11_MODULE(TORCH_EXTENSION_NAME, m) { m.def("take_rows", &take_rows); }
