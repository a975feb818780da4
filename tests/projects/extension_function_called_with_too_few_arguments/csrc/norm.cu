#include <torch/extension.h>

void norm_(torch::Tensor x, double epsilon, bool affine) { x.div_(x.norm() + epsilon); }
