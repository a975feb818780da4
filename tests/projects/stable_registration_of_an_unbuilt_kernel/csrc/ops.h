#pragma once
#include <torch/csrc/stable/library.h>

void norm(torch::stable::Tensor& out);
void experts(torch::stable::Tensor& out);
