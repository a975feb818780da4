#include <torch/extension.h>

struct Viewer {
  void run() {}
};

void bind_viewer(py::module& module) {
  py::class_<Viewer>(
      module,
      "Viewer",
      "Shows tensors. "
      "Read its state whenever you like.")
      .def(py::init<>())
      .def("run", &Viewer::run, "Run it.");
}
