#include <torch/library.h>

torch::Tensor attention(torch::Tensor query, bool is_paged);

TORCH_LIBRARY(_C, ops) {
  ops.def("attention(Tensor query, bool is_paged) -> Tensor");
  ops.impl("attention", torch::kCUDA, &attention);
}
