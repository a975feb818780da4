#include <torch/library.h>

at::Tensor twist(const at::Tensor& input);

TORCH_LIBRARY(demo, ops) {
  ops.def("twist(Tensor input) -> Tensor");
  // opparity: allow(BLD001)
  ops.impl("twist", torch::kCUDA, &twist);
}
