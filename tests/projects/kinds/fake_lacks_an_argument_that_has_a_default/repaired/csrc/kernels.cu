#include <torch/library.h>

at::Tensor blend(const at::Tensor& input, double weight, bool clamp) { return input.clone(); }
