#include <torch/library.h>

at::Tensor silu(const at::Tensor& input) { return input; }
