#pragma once
#include <torch/extension.h>

torch::Tensor gptq_to_marlin(torch::Tensor weights);
