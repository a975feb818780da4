#pragma once
#include <torch/library.h>

at::Tensor reduce(const at::Tensor& input, int64_t axis);
