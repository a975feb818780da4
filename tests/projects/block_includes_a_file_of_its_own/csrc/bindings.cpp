#include "ops.h"
#include "layer.h"

PYBIND11_MODULE(TORCH_EXTENSION_NAME, m) {
  m.def("shift", &shift);
#include "layer_bindings.h"
}
