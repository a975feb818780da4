#include <torch/library.h>

at::Tensor fold(const at::Tensor& input) { return input; }

TORCH_LIBRARY(more, ops) {
  ops.def("fold(Tensor input) -> Tensor");
  ops.impl("fold", torch::kCPU, &fold);
}
