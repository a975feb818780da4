#include "ops.h"

#if defined ENABLE_CUTLASS_MOE_SM100 && ENABLE_CUTLASS_MOE_SM100
void cutlass_moe_mm_sm100(torch::Tensor& out);
#endif

void cutlass_moe_mm(torch::Tensor& out) {
#if defined ENABLE_CUTLASS_MOE_SM100 && ENABLE_CUTLASS_MOE_SM100
  cutlass_moe_mm_sm100(out);
#endif
}
