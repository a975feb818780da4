#pragma once
#include <torch/library.h>

void norm(torch::Tensor& out);
void cutlass_blockwise_scaled_grouped_mm(torch::Tensor& out);
