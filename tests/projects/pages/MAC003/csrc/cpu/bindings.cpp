#include <torch/library.h>

at::Tensor gelu(const at::Tensor& input) { return input; }

TORCH_LIBRARY(demo, ops) {
  ops.def("gelu(Tensor input) -> Tensor");
  ops.impl("gelu", torch::kCPU, &gelu);
}
