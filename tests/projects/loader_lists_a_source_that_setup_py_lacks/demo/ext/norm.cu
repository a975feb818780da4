#include "ops.h"

void norm_(torch::Tensor x) { x.div_(x.norm()); }
