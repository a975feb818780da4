#pragma once
#include <torch/library.h>

torch::Tensor permute(const torch::Tensor& input);
