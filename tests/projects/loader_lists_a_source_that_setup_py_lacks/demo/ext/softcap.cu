#include "ops.h"

void softcap_(torch::Tensor x) { x.tanh_(); }
