#include "kernels.h"

at::Tensor twist(const at::Tensor& input) { return input; }
