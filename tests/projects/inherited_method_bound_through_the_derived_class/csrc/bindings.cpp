#include <torch/extension.h>

#include "handle.h"

PYBIND11_MODULE(TORCH_EXTENSION_NAME, m) {
  py::class_<device_handle_t>(m, "device_handle")
      .def("block_size", &device_handle_t::block_size)
      .def("queue_depth", &device_handle_t::queue_depth);
}
