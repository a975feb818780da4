#include "reduce.h"

TORCH_LIBRARY(demo, library) {
  library.def("reduce(Tensor input, int axis) -> Tensor");
  library.impl("reduce", torch::kCPU, &reduce);
}
