#pragma once
#include <torch/extension.h>

torch::Tensor take_rows(torch::Tensor values);
