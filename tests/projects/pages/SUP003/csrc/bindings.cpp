#include <torch/library.h>

at::Tensor twist(const at::Tensor& input);

TORCH_LIBRARY(demo, ops) {
  ops.def("twist(Tensor input) -> Tensor");
  // opparity: ignore BLD001, the plugin has it
  ops.impl("twist", torch::kCUDA, &twist);
}
