#include "ops.h"

PYBIND11_MODULE(TORCH_EXTENSION_NAME, m) {
  m.def("gptq_to_marlin", &gptq_to_marlin, "repack");
}
