#include <torch/library.h>

TORCH_LIBRARY(demo, m) {
  m.def("neighbors(Tensor positions) -> Tensor");
  m.def("distances(Tensor positions) -> Tensor");
}
