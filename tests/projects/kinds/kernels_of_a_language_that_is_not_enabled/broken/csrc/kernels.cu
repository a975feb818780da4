#include <torch/library.h>

at::Tensor fold_on_device(const at::Tensor& input) { return input.clone(); }
