#include <torch/library.h>

at::Tensor gelu(const at::Tensor& input);
at::Tensor silu(const at::Tensor& input);

TORCH_LIBRARY(demo, ops) {
  ops.def("gelu(Tensor input) -> Tensor");
  ops.impl("gelu", torch::kCUDA, &gelu);
#ifndef USE_ROCM
  ops.def("silu(Tensor input) -> Tensor");
  ops.impl("silu", torch::kCUDA, &silu);
#endif
}
