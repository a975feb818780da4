#pragma once
#include <torch/extension.h>

torch::Tensor shift(const torch::Tensor& input);
torch::Tensor shift_on_device(const torch::Tensor& input);
