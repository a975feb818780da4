#include <torch/library.h>

at::Tensor turn(const at::Tensor& input) { return input; }
