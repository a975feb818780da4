#include "ops.h"

torch::Tensor gather_rows(const torch::Tensor& input) { return input; }
