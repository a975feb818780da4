#include <torch/library.h>

at::Tensor fold(const at::Tensor& input) { return input.clone(); }
