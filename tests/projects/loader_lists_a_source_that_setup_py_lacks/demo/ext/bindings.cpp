#include <torch/extension.h>

#include "ops.h"

PYBIND11_MODULE(TORCH_EXTENSION_NAME, m) {
  m.def("scale_", &scale_);
  m.def("norm_", &norm_);
  m.def("softcap_", &softcap_);
}
