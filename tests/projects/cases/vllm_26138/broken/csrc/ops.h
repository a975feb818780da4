#pragma once
#include <torch/library.h>

void norm(torch::Tensor& out);
void cutlass_fp4_group_mm(torch::Tensor& out);
