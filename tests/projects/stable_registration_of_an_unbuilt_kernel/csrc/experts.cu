#include "ops.h"

void experts(torch::stable::Tensor& out) {}
