#include "ops.h"

#define REGISTER(name, key) \
  m.def(#name "(Tensor! out) -> ()"); \
  m.impl(#name, torch::k##key, &name)

TORCH_LIBRARY(little, m) {
  REGISTER(norm, CUDA);
  REGISTER(fused, CUDA);
}
