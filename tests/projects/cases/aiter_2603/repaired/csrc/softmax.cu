#include <torch/all.h>

void softmax(torch::Tensor& out, torch::Tensor& x) { out.copy_(x); }
