#include "ops.h"

void scaled_fp4_quant(torch::stable::Tensor& out) {
#if (defined(ENABLE_NVFP4_SM100) && ENABLE_NVFP4_SM100) || \
    (defined(ENABLE_NVFP4_SM120) && ENABLE_NVFP4_SM120)
  return quantise_rows(out);
#endif
}
