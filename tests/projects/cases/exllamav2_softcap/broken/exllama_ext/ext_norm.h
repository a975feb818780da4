#pragma once
#include <torch/extension.h>

void rms_norm(torch::Tensor x);
