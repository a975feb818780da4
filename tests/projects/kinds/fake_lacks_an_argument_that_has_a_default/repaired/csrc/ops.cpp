#include <torch/library.h>

at::Tensor blend(const at::Tensor& input, double weight, bool clamp);

TORCH_LIBRARY(demo, library) {
  library.def("blend(Tensor input, *, float weight, bool clamp=False) -> Tensor");
  library.impl("blend", torch::kCUDA, &blend);
}
