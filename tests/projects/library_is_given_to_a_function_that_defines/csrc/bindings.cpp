#include "ops.h"

TORCH_LIBRARY_FRAGMENT(demo, m) {
  m.def("shift(Tensor input) -> Tensor", &shift);
}
