#include <torch/library.h>

at::Tensor rotate(const at::Tensor& input);

TORCH_LIBRARY(demo, library) {
  library.def("rotate(Tensor input) -> Tensor");
  library.impl("rotate", torch::kCUDA, &rotate);
}
