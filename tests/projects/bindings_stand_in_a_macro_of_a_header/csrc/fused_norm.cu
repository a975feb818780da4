#include "ops.h"

torch::Tensor fused_norm(torch::Tensor input, torch::Tensor residual) { return input + residual; }
