#pragma once
#include <torch/library.h>

__attribute__((visibility("default"))) at::Tensor twist(const at::Tensor& input);
