#include <torch/library.h>

#include "reduce.h"

#if TORCH_VERSION_MAJOR > 2 || (TORCH_VERSION_MAJOR == 2 && TORCH_VERSION_MINOR >= 6)
at::Tensor reduce(const at::Tensor& input, int64_t axis) { return input.sum(axis); }
#else
at::Tensor reduce(const at::Tensor& input, int64_t axis) { return input.sum(); }
#endif
