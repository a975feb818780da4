#include <torch/library.h>

at::Tensor rows(const at::Tensor& input) { return input.clone(); }
