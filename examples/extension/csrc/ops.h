#pragma once
#include <torch/all.h>

void silu_and_mul(torch::Tensor& out, const torch::Tensor& input);
void silu_and_mul_quant(torch::Tensor& out, torch::Tensor& scales, const torch::Tensor& input);
