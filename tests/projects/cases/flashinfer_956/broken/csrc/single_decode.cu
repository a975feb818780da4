#include <torch/library.h>

void single_decode(at::Tensor query) {}
