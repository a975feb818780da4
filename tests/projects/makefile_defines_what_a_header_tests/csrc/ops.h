#pragma once
#include <torch/extension.h>

torch::Tensor shift(const torch::Tensor& input);

#ifdef USE_CUDA
#include <cuda_runtime.h>
#endif
