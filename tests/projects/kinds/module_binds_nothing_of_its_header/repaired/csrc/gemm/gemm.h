#pragma once
#include <torch/extension.h>

at::Tensor gemm_forward(const at::Tensor& a, const at::Tensor& b);
