#include <torch/library.h>

at::Tensor fold_cpu(const at::Tensor& input) { return input.clone(); }
