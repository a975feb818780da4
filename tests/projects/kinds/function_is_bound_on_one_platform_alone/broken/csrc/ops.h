#pragma once
#include <torch/extension.h>

torch::Tensor shift_cpu(const torch::Tensor& input);
torch::Tensor scale_cpu(const torch::Tensor& input);
