#pragma once
#include <torch/library.h>

void cutlass_moe_mm(torch::Tensor& out);
