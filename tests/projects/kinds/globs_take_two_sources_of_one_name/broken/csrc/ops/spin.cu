#include <torch/library.h>

at::Tensor spin_kernel(const at::Tensor& input) { return input.clone(); }
