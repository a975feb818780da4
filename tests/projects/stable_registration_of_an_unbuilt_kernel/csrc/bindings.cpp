#include "ops.h"

STABLE_TORCH_LIBRARY_FRAGMENT(_C, m) {
  m.def("norm(Tensor! out) -> ()");
  m.def("experts(Tensor! out) -> ()");
}

STABLE_TORCH_LIBRARY_IMPL(_C, CUDA, m) {
  m.impl("norm", TORCH_BOX(&norm));
  m.impl("experts", TORCH_BOX(&experts));
}
