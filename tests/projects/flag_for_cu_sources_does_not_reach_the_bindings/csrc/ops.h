#pragma once
#include <torch/library.h>

torch::Tensor kernel(const torch::Tensor& input);
