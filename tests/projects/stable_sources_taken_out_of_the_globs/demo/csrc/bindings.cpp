#include <torch/library.h>

TORCH_LIBRARY(demo, m) { m.def("roi_align(Tensor input, Tensor rois) -> Tensor"); }
