#include "ext_element.h"
#include "ext_norm.h"

PYBIND11_MODULE(TORCH_EXTENSION_NAME, m) {
  m.def("rms_norm", &rms_norm, "rms_norm");
  m.def("softcap_", &softcap_, "softcap_");
}
