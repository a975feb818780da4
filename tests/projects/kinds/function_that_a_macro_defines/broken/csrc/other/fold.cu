#include <torch/library.h>

at::Tensor fold_cuda(const at::Tensor& input) { return input.clone(); }
