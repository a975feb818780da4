#include <Python.h>
#include <torch/extension.h>

static void register_helpers(PyObject* module) {
  auto m = py::handle(module).cast<py::module>();
  m.def("addresses_are_equal", [](const torch::Tensor& one, const torch::Tensor& two) {
    return one.data_ptr() == two.data_ptr();
  });
}

static struct PyModuleDef definition = {PyModuleDef_HEAD_INIT, "_C", nullptr, -1, nullptr};

PyMODINIT_FUNC PyInit__C() {
  PyObject* module = PyModule_Create(&definition);
  register_helpers(module);
  return module;
}
