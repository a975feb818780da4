#pragma once
#include <torch/library.h>

torch::Tensor mla_decode(const torch::Tensor& input);
