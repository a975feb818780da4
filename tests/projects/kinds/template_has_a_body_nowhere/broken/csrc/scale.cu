#include <torch/extension.h>

template void scale_cuda<float>(at::Tensor& x);
