#pragma once
#include <torch/extension.h>

void softcap_(torch::Tensor x, float scale);
