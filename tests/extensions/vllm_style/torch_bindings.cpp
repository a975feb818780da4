#include <torch/csrc/stable/library.h>

#include "ops.h"

STABLE_TORCH_LIBRARY(_C, ops) {
  ops.def("silu_and_mul(Tensor! out, Tensor input) -> ()");
#ifndef USE_ROCM
  ops.def(
      "silu_and_mul_per_block_quant(Tensor! out, Tensor input, Tensor! scales, int group_size) "
      "-> ()");
#endif
}

STABLE_TORCH_LIBRARY_IMPL(_C, CPU, ops) {
  ops.impl("silu_and_mul", TORCH_BOX(&silu_and_mul));
#ifndef USE_ROCM
  ops.impl("silu_and_mul_per_block_quant", TORCH_BOX(&silu_and_mul_per_block_quant));
#endif
}
