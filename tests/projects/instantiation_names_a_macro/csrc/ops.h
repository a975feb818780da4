#pragma once
#include <torch/extension.h>

torch::Tensor shift(const torch::Tensor& input);
template <bool IS_ON_DEVICE>
torch::Tensor shifted(const torch::Tensor& input);
