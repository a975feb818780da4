#pragma once
#include <torch/all.h>

void gelu_and_mul(torch::Tensor& out, torch::Tensor& input);
#ifndef USE_ROCM
void silu_and_mul_quant(torch::Tensor& out, torch::Tensor& input, torch::Tensor& scale);
#endif
