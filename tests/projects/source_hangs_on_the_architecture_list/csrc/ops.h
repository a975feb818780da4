#pragma once
#include <torch/library.h>

torch::Tensor scaled_mm(const torch::Tensor& input);
torch::Tensor fp4_mm(const torch::Tensor& input);
