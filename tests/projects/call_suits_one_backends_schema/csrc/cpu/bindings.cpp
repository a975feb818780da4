#include <torch/all.h>
#include <torch/library.h>

void gelu_and_mul(torch::Tensor& out, torch::Tensor& input, double limit) { out.copy_(input); }

TORCH_LIBRARY(_C, ops) {
  ops.def("gelu_and_mul(Tensor! out, Tensor input, float limit) -> ()");
  ops.impl("gelu_and_mul", torch::kCPU, &gelu_and_mul);
}
