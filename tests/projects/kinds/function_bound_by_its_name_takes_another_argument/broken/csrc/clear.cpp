#include <torch/extension.h>

void clear(at::Tensor x, bool everything) { x.zero_(); }
