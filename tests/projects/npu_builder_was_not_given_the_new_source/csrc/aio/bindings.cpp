#include <torch/extension.h>

#include "handle.h"

PYBIND11_MODULE(TORCH_EXTENSION_NAME, m) {
  m.def("open_handle", &open_handle);
}
