#include "ops.h"

#if CUTLASS_VERSION >= 400
torch::Tensor permute(const torch::Tensor& input) { return input; }
#else
torch::Tensor permute(const torch::Tensor& input) { return input.clone(); }
#endif
