#include <torch/library.h>

void launch(at::Tensor& out, int64_t rows);

at::Tensor relu(const at::Tensor& input) {
  at::Tensor out = input.clone();
  launch(out, 1);
  return out;
}

TORCH_LIBRARY(little, m) {
  m.def("relu(Tensor input) -> Tensor");
  m.impl("relu", torch::kCUDA, &relu);
}
