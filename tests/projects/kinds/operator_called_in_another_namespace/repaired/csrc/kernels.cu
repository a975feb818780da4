#include <torch/library.h>

at::Tensor norm(const at::Tensor& input) { return input.clone(); }
at::Tensor fold(const at::Tensor& input) { return input.clone(); }
