#pragma once
#include <torch/library.h>

namespace little {
at::Tensor remap_cpu(const at::Tensor& input);
at::Tensor remap_gpu(const at::Tensor& input);
}
