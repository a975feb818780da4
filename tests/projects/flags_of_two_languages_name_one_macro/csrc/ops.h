#pragma once
#include <torch/extension.h>

torch::Tensor shift(const torch::Tensor& input);

#if WITH_TILES
torch::Tensor shift_tiles(const torch::Tensor& input);
#endif
