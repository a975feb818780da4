#include <torch/extension.h>

void bind_rows(pybind11::module &m);

int version() { return 3; }

PYBIND11_MODULE(TORCH_EXTENSION_NAME, m) {
  m.def("version", &version);
  bind_rows(m);
}
