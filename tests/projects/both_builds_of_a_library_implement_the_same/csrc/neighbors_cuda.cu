#include <torch/library.h>

at::Tensor neighbors_cuda(const at::Tensor& positions) {
  return positions.clone();
}

at::Tensor distances_cuda(const at::Tensor& positions) {
  return positions.norm();
}

TORCH_LIBRARY_IMPL(demo, CUDA, m) {
  m.impl("neighbors", &neighbors_cuda);
  m.impl("distances", &distances_cuda);
}
