#include "ops.h"

bool cutlass_scaled_mm_supports_fp8(int64_t capability) { return capability > 89; }

bool cutlass_scaled_mm_supports_block_fp8(int64_t capability) { return capability > 89; }
