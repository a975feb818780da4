#include "ops.h"

void cutlass_fp4_group_mm(torch::Tensor& out) {}
