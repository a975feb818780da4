#include <nanobind/nanobind.h>

#include "names.hpp"

static long now() { return 1; }

NB_MODULE(EXTENSION_NAME, m) { m.def("now", &now); }
