#include <torch/library.h>

at::Tensor turn(const at::Tensor& input);

TORCH_LIBRARY(demo, ops) {
  ops.def("turn(Tensor input) -> Tensor");
  // opparity: allow(BLD001) until the port to ROCm is done
  ops.impl("turn", torch::kCUDA, &turn);
}
