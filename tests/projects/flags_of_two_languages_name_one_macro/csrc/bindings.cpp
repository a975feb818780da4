#include "ops.h"

TORCH_LIBRARY(demo, m) {
  m.def("shift(Tensor input) -> Tensor", &shift);
}
