#pragma once
#include <torch/library.h>

namespace little {
at::Tensor gather_host(const at::Tensor& input);
at::Tensor gather_device(const at::Tensor& input);
}
