#pragma once
#include <torch/library.h>

torch::Tensor norm(const torch::Tensor& input);
