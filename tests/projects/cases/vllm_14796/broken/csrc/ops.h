#pragma once
#include <torch/library.h>

bool cutlass_scaled_mm_supports_fp8(int64_t capability);
bool cutlass_scaled_mm_supports_block_fp8(int64_t capability);
