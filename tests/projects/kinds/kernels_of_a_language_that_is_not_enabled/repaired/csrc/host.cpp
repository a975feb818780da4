#include <torch/library.h>

at::Tensor fold_on_host(const at::Tensor& input) { return input.clone(); }
