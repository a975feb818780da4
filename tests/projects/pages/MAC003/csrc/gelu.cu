#include <torch/library.h>

at::Tensor gelu(const at::Tensor& input) { return input; }
