#pragma once
#include <torch/library.h>

void norm(torch::Tensor& out);
#ifndef USE_ROCM
void silu_and_mul_nvfp4_quant(torch::Tensor& out);
#endif
