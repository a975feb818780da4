#pragma once
#include <torch/extension.h>

torch::Tensor shift_rows(const torch::Tensor& input);
torch::Tensor scale_rows(const torch::Tensor& input);
