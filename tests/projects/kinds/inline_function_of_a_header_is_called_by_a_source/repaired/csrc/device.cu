#include <torch/library.h>

at::Tensor on_device(const at::Tensor& input) { return input.clone(); }
