#include <torch/library.h>

at::Tensor scale(const at::Tensor& input, double factor) { return input; }

TORCH_LIBRARY(little, m) {
  m.def("scale(Tensor input, float factor, int axis=0) -> Tensor");
  m.impl("scale", torch::kCPU, &scale);
}
