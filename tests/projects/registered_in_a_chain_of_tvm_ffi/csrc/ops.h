#pragma once
#include <torch/library.h>

void norm(torch::Tensor& out);
void fused(torch::Tensor& out);
