#pragma once
#include <torch/library.h>

namespace remap {
at::Tensor remap_indices_cuda(at::Tensor indices);
at::Tensor remap_indices_cpu(at::Tensor indices);
}  // namespace remap
