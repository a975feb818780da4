#pragma once
#include <torch/csrc/stable/library.h>

void scaled_fp4_quant(torch::stable::Tensor& out);
void quantise_rows(torch::stable::Tensor& out);
void mxfp4_experts_quant(torch::stable::Tensor& out);
void silu_and_mul_mxfp4_experts_quant(torch::stable::Tensor& out);
