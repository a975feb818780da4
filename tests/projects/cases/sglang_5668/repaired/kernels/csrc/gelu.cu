#include "ops.h"

void gelu_and_mul(torch::Tensor& out, torch::Tensor& input) { out.copy_(input); }
