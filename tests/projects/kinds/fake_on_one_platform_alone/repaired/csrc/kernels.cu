#include <torch/library.h>

at::Tensor spin(const at::Tensor& input) { return input.clone(); }
