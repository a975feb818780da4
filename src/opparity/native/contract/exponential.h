// Functions of exp: docs/numerics.md, section 2. operators/numerics.py has the same constants, and
// a test compares the two files.
#pragma once

#include "native/contract/primitives.h"

#ifndef OPPARITY_POLYNOMIAL_SCALING
#define OPPARITY_POLYNOMIAL_SCALING 1.0f
#endif

namespace {

constexpr float kLog2EHigh = 0x1.715476p+0f;
constexpr float kLog2ELow = 0x1.4ae0cp-26f;
constexpr float kRoundingShift = 12582976.0f;
constexpr float kExp2Coefficient0 = 0x1p+0f;
constexpr float kExp2Coefficient1 = 0x1.62e42ap-1f;
constexpr float kExp2Coefficient2 = 0x1.ebf9c2p-3f;
constexpr float kExp2Coefficient3 = 0x1.c6b6f0p-5f;
constexpr float kExp2Coefficient4 = 0x1.3ce8ccp-7f;
constexpr float kExp2Coefficient5 = 0x1.5bcbc6p-10f;
constexpr float kGateLimit = -128.0f;
constexpr float kScaling = 0x1p64f;

// 2^64 * exp(z) for z from -128 to 0: steps 2 to 7.
OPPARITY_FUNCTION Number scaled_exponential(Number z) {
  constexpr float kScale = OPPARITY_POLYNOMIAL_SCALING;
  Number shifted = fused_multiply_add(z, kLog2EHigh, all(kRoundingShift));
  Number exponent = shifted - kRoundingShift;
  Number fraction = fused_multiply_add(z, kLog2EHigh, -exponent);
  fraction = fused_multiply_add(z, kLog2ELow, fraction);
  Number power = all(kScale * kExp2Coefficient5);
  power = fused_multiply_add(power, fraction, kScale * kExp2Coefficient4);
  power = fused_multiply_add(power, fraction, kScale * kExp2Coefficient3);
  power = fused_multiply_add(power, fraction, kScale * kExp2Coefficient2);
  power = fused_multiply_add(power, fraction, kScale * kExp2Coefficient1);
  power = fused_multiply_add(power, fraction, kScale * kExp2Coefficient0);
  return scaled_power(power, shifted, exponent);
}

// 1 / (2^64 + scaled), steps 8 and 9.
OPPARITY_FUNCTION Number reciprocal_of_sum(Number scaled) {
#ifdef OPPARITY_SUM_IS_FMA
  return reciprocal(fused_multiply_add(scaled, 1.0f, kScaling));
#else
  return reciprocal(scaled + kScaling);
#endif
}

OPPARITY_FUNCTION Number silu(Number gate) {
  Number z = negative_magnitude_up_to(gate, -kGateLimit);
  Number scaled = scaled_exponential(z);
  return fused_multiply_add(z * scaled, reciprocal_of_sum(scaled), at_least(gate, -0.0f));
}

}  // namespace
