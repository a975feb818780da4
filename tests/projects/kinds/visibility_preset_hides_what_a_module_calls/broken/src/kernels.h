#pragma once
#include <torch/library.h>

at::Tensor twist(const at::Tensor& input);
