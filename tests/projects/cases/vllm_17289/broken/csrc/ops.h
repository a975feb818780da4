#pragma once
#include <torch/library.h>

void norm(torch::Tensor& out);
void cutlass_mla_decode(torch::Tensor& out);
