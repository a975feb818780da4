#pragma once
#include <torch/all.h>

void gelu_and_mul(torch::Tensor& out, torch::Tensor& input);
void silu_and_mul_quant(torch::Tensor& out, torch::Tensor& input, torch::Tensor& scale);
