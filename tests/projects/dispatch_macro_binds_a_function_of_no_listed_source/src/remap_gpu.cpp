#include "remap.h"

namespace little {
at::Tensor remap_gpu(const at::Tensor& input) { return input; }
}

TORCH_LIBRARY_IMPL(little, CUDA, m) {
  DISPATCH_TO_CUDA("remap", little::remap_gpu);
}
