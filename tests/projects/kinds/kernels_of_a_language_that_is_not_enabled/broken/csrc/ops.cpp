#include <torch/library.h>

at::Tensor fold_on_host(const at::Tensor& input);
at::Tensor fold_on_device(const at::Tensor& input);

TORCH_LIBRARY(demo, library) {
  library.def("fold(Tensor input) -> Tensor");
  library.impl("fold", torch::kCPU, &fold_on_host);
  library.impl("fold", torch::kCUDA, &fold_on_device);
}
