#include <torch/library.h>

static at::Tensor scatter(const at::Tensor& input) { return input; }

TORCH_LIBRARY_FRAGMENT(little, m) {
  m.def("scatter(Tensor input) -> Tensor");
  m.impl("scatter", torch::kCPU, &scatter);
}
