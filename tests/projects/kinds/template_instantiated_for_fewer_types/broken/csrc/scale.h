#pragma once

#include <torch/library.h>

template <typename T>
at::Tensor scale(const at::Tensor& input, T factor);
