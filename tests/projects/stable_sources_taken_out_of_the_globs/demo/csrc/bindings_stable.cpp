#include <torch/csrc/stable/library.h>

STABLE_TORCH_LIBRARY_FRAGMENT(demo, m) {
  m.def("nms(Tensor boxes, Tensor scores, float threshold) -> Tensor");
}
