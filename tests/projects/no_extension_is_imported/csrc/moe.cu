#include "moe.h"

void moe_sum(torch::Tensor& input, torch::Tensor& output) { output.copy_(input); }
