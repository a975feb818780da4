// The types that silu_and_mul_per_block_quant takes and gives.
#pragma once

namespace opparity::silu_and_mul_per_block_quant {

enum class InputType { kFloat16, kBFloat16, kFloat32 };
enum class ValueType { kFloat8E4M3FN, kFloat8E4M3FNUZ, kInt8 };

}  // namespace opparity::silu_and_mul_per_block_quant
