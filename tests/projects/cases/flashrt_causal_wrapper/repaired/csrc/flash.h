#pragma once
#include <torch/library.h>

namespace attention {
template <typename T, int HeadDim, bool IsCausal>
void run_mha_fwd_(int params);
}  // namespace attention
