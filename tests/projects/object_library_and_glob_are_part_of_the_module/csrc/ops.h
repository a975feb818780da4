#pragma once
#include <torch/library.h>

torch::Tensor skinny(const torch::Tensor& input);
torch::Tensor marlin(const torch::Tensor& input);
