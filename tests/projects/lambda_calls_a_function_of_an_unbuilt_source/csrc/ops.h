#pragma once
#include <torch/library.h>

torch::Tensor gather_rows(const torch::Tensor& input);
