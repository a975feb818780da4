#include <torch/extension.h>

#include "io_handle.h"

PYBIND11_MODULE(TORCH_EXTENSION_NAME, m) {
  py::class_<io_handle_t>(m, "aio_handle").def("pread", &io_handle_t::pread);
}
