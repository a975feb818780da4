#pragma once
#include <torch/extension.h>

at::Tensor scale(const at::Tensor& input);
at::Tensor shift(const at::Tensor& input);
