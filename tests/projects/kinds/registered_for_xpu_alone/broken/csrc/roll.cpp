#include <torch/library.h>

at::Tensor roll(const at::Tensor& input) { return input.clone(); }
