#include <torch/library.h>

std::tuple<at::Tensor, at::Tensor> topk(const at::Tensor& input, int64_t k) { return input.topk(k); }

TORCH_LIBRARY(demo, m) {
  m.def("topk(Tensor input, int k) -> (Tensor, Tensor)");
  m.impl("topk", torch::kCPU, &topk);
}
