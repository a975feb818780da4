#pragma once
#include <torch/extension.h>

torch::Tensor scale(const torch::Tensor& input);
torch::Tensor cudaQuantize(const torch::Tensor& input);
