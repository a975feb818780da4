#include "ops.h"

void quantise_rows(torch::stable::Tensor& out) {}
