#include <torch/extension.h>

// As torch/csrc/Device.h has it.
PyObject* THPDevice_New(const at::Device& device);

pybind11::object device_of(torch::Tensor values) {
  return pybind11::reinterpret_steal<pybind11::object>(THPDevice_New(values.device()));
}

PYBIND11_MODULE(TORCH_EXTENSION_NAME, m) { m.def("device_of", &device_of); }
