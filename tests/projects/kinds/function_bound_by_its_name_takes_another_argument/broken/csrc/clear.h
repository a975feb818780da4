#include <torch/extension.h>

void clear(at::Tensor x);
