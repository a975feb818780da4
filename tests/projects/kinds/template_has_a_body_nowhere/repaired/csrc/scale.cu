#include <torch/extension.h>

template <typename T>
void scale_cuda(at::Tensor& x) {
  x.mul_(static_cast<T>(2));
}

template void scale_cuda<float>(at::Tensor& x);
