// exp, SiLU and its relatives: docs/numerics.md, sections 2, 6 and 7. operators/numerics.py has the
// same constants, and a test compares the two files.
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

// 2^(exponent + 64 + fraction), where `shifted` is the sum that `exponent` came from.
OPPARITY_FUNCTION Number power_of_two(Number shifted, Number exponent, Number fraction) {
  constexpr float kScale = OPPARITY_POLYNOMIAL_SCALING;
  Number power = all(kScale * kExp2Coefficient5);
  power = fused_multiply_add(power, fraction, kScale * kExp2Coefficient4);
  power = fused_multiply_add(power, fraction, kScale * kExp2Coefficient3);
  power = fused_multiply_add(power, fraction, kScale * kExp2Coefficient2);
  power = fused_multiply_add(power, fraction, kScale * kExp2Coefficient1);
  power = fused_multiply_add(power, fraction, kScale * kExp2Coefficient0);
  return scaled_power(power, shifted, exponent);
}

// 2^64 * 2^(z * (high + low)); the factors are floats or Numbers.
template <typename Factor>
OPPARITY_FUNCTION Number scaled_exponential(Number z, Factor high, Factor low) {
  Number shifted = fused_multiply_add(z, high, all(kRoundingShift));
  Number exponent = shifted - kRoundingShift;
  Number fraction = fused_multiply_add(z, high, -exponent);
  fraction = fused_multiply_add(z, low, fraction);
  return power_of_two(shifted, exponent, fraction);
}

// 2^64 * exp(z), for z from -128 to 0.
OPPARITY_FUNCTION Number scaled_exponential(Number z) {
  return scaled_exponential(z, kLog2EHigh, kLog2ELow);
}

// 1 / (scaled + 2^64).
OPPARITY_FUNCTION Number reciprocal_of_sum(Number scaled) {
#ifdef OPPARITY_SUM_IS_FMA
  return reciprocal(fused_multiply_add(scaled, 1.0f, kScaling));
#else
  return reciprocal(scaled + kScaling);
#endif
}

// x / (1 + exp(-x)) from z = -|x|, 2^64 * exp(z) and the reciprocal of the sum.
OPPARITY_FUNCTION Number weighted(Number x, Number z, Number scaled, Number reciprocal) {
  return fused_multiply_add(z * scaled, reciprocal, at_least(x, -0.0f));
}

// Where f(-x) = f(x) - x, the slope from that at -|x|.
OPPARITY_FUNCTION Number reflected(Number x, Number below) {
  return x < all(0.0f) ? below : 1.0f - below;
}

OPPARITY_FUNCTION Number silu(Number gate) {
  Number z = negative_magnitude_up_to(gate, -kGateLimit);
  Number scaled = scaled_exponential(z);
  return weighted(gate, z, scaled, reciprocal_of_sum(scaled));
}

OPPARITY_FUNCTION Number silu_slope(Number gate) {
  Number z = at_least(-magnitude(gate), kGateLimit);
  Number scaled = scaled_exponential(z);
  Number inverse = reciprocal_of_sum(scaled);
  return reflected(gate, scaled * fused_multiply_add(z, inverse * kScaling, 1.0f) * inverse);
}

// Of x * sigmoid(alpha * x). Alpha goes into the exponent's factors: rounding alpha * x would cost
// accuracy where x is far below zero.
struct SwishFactors {
  Number high, low;
  float limit;
};

OPPARITY_FUNCTION SwishFactors swish_factors(float alpha, float reciprocal_of_alpha) {
  Number high = all(alpha) * kLog2EHigh;
  Number low = fused_multiply_add(all(alpha), kLog2EHigh, -high);
  low = fused_multiply_add(all(alpha), kLog2ELow, low);
  return {high, low, kGateLimit * reciprocal_of_alpha};
}

OPPARITY_FUNCTION Number swish(Number x, const SwishFactors& factors) {
  Number z = negative_magnitude_up_to(x, -factors.limit);
  Number scaled = scaled_exponential(z, factors.high, factors.low);
  return weighted(x, z, scaled, reciprocal_of_sum(scaled));
}

OPPARITY_FUNCTION Number swish_slope(Number x, float alpha, const SwishFactors& factors) {
  Number z = at_least(-magnitude(x), factors.limit);
  Number scaled = scaled_exponential(z, factors.high, factors.low);
  Number inverse = reciprocal_of_sum(scaled);
  Number sum = fused_multiply_add(alpha * z, inverse * kScaling, 1.0f);
  return reflected(x, scaled * sum * inverse);
}

}  // namespace
