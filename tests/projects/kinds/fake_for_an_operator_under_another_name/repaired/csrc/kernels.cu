#include <torch/library.h>

at::Tensor rotate(const at::Tensor& input) { return input.clone(); }
