#include <torch/library.h>

at::Tensor turn(const at::Tensor& input);

TORCH_LIBRARY(demo, ops) {
  ops.def("turn(Tensor input) -> Tensor");
  ops.impl("turn", torch::kCUDA, &turn);
}
