#include "ops.h"

void cutlass_mla_decode(torch::Tensor& out) {}
