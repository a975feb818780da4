#include <torch/library.h>

at::Tensor turn(const at::Tensor& input);

TORCH_LIBRARY(demo, library) {
  library.def("turn(Tensor input) -> Tensor");
  library.impl("turn", torch::kCUDA, &turn);
}
