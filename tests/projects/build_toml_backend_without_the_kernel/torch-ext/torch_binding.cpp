#include <torch/library.h>

#include "torch_binding.h"

TORCH_LIBRARY(scaled_relu, ops) {
  ops.def("relu(Tensor! out, Tensor input) -> ()");
#if defined(CUDA_KERNEL) || defined(ROCM_KERNEL)
  ops.impl("relu", torch::kCUDA, &relu);
#endif
}
