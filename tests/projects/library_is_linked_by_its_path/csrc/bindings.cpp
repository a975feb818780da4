#include <torch/extension.h>

#include "runtime.h"

int launch(const std::string& name) { return launch_by_name(name.c_str()) + streams_in_use(); }

PYBIND11_MODULE(TORCH_EXTENSION_NAME, m) { m.def("launch", &launch); }
