#pragma once
#include <torch/extension.h>

torch::Tensor shift(const torch::Tensor& input);
torch::Tensor shift_dispatch(const torch::Tensor& input);
