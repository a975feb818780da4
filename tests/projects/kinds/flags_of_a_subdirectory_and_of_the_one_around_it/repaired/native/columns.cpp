#include <torch/library.h>

at::Tensor columns(const at::Tensor& input) { return input.clone(); }
