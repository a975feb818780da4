#pragma once
#include <torch/library.h>

void norm(torch::Tensor& out);
#if defined(ENABLE_NVFP4) && ENABLE_NVFP4
void silu_and_mul_nvfp4_quant(torch::Tensor& out);
#endif
