#pragma once

#include <torch/csrc/stable/tensor.h>

namespace demo {
using torch::stable::Tensor;
double checked(double threshold);
}
