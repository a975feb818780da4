// silu_and_mul_per_block_quant on AMD GPUs.
#pragma once

#include "operators/silu_and_mul_per_block_quant/checks.h"

namespace opparity::silu_and_mul_per_block_quant {

// Launches the precompiled kernel on torch's current stream. The arguments have been checked.
void run_on_hip(const Checked& checked);

}  // namespace opparity::silu_and_mul_per_block_quant
