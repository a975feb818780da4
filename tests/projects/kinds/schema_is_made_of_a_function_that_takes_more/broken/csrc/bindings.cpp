#include "rotate.h"

namespace demo {

TORCH_LIBRARY(demo, m) {
  m.def("rotate", &rotate);
}

}  // namespace demo
