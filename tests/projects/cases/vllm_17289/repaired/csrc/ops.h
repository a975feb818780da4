#pragma once
#include <torch/library.h>

void norm(torch::Tensor& out);
#ifndef USE_ROCM
void cutlass_mla_decode(torch::Tensor& out);
#endif
