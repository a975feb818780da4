// GELU by the error function and by tanh: docs/numerics.md, sections 6 and 7.
#pragma once

#include "native/contract/exponential.h"

namespace {

constexpr float kGeluTanhLimit = -11.0f;
constexpr float kGeluLinear = 0x1.26aec2p+1f;
constexpr float kGeluCubic = 0x1.a5a7d0p-4f;
constexpr float kSlopeLinear = 0x1.988454p+0f;
constexpr float kSlopeCubic = 0x1.b6676cp-3f;

constexpr float kGeluLimit = -14.5f;
constexpr float kGeluSquare = -0x1.715476p-1f;
constexpr float kGeluTop0 = 0x1p-1f;
constexpr float kGeluTop1 = 0x1.c7ad08p-2f;
constexpr float kGeluTop2 = 0x1.81142ep-3f;
constexpr float kGeluTop3 = 0x1.59c324p-5f;
constexpr float kGeluTop4 = 0x1.1c6bbap-8f;
constexpr float kGeluBottom0 = 0x1p+0f;
constexpr float kGeluBottom1 = 0x1.b018b4p+0f;
constexpr float kGeluBottom2 = 0x1.390812p+0f;
constexpr float kGeluBottom3 = 0x1.edab40p-2f;
constexpr float kGeluBottom4 = 0x1.b15bb0p-4f;
constexpr float kGeluBottom5 = 0x1.647842p-7f;
constexpr float kDensity = 0x1.988454p-2f;

// SiLU with another exponent.
struct GeluTanh {
  Number z, square, scaled, inverse;
};

OPPARITY_FUNCTION GeluTanh gelu_tanh_parts(Number gate) {
  Number z = at_least(-magnitude(gate), kGeluTanhLimit);
  Number square = z * z;
  Number rate = fused_multiply_add(square, kGeluCubic, kGeluLinear);
  Number shifted = fused_multiply_add(z, rate, kRoundingShift);
  Number exponent = shifted - kRoundingShift;
  Number fraction = fused_multiply_add(z, rate, -exponent);
  Number scaled = power_of_two(shifted, exponent, fraction);
  return {z, square, scaled, reciprocal_of_sum(scaled)};
}

OPPARITY_FUNCTION Number gelu_tanh(Number gate) {
  const GeluTanh parts = gelu_tanh_parts(gate);
  return weighted(gate, parts.z, parts.scaled, parts.inverse);
}

OPPARITY_FUNCTION Number gelu_tanh_slope(Number gate) {
  const GeluTanh parts = gelu_tanh_parts(gate);
  Number rate = fused_multiply_add(parts.square, kSlopeCubic, kSlopeLinear);
  Number sum = fused_multiply_add(parts.z * rate, parts.inverse * kScaling, 1.0f);
  return reflected(gate, parts.scaled * sum * parts.inverse);
}

// The normal distribution's function at z is scaled * top / (bottom * 2^64).
struct Gelu {
  Number z, scaled, top, bottom;
};

OPPARITY_FUNCTION Gelu gelu_parts(Number gate) {
  Number z = at_least(-magnitude(gate), kGeluLimit);
  Number square = z * z;
  Number rest = fused_multiply_add(z, z, -square);
  Number shifted = fused_multiply_add(square, kGeluSquare, kRoundingShift);
  Number exponent = shifted - kRoundingShift;
  Number fraction = fused_multiply_add(square, kGeluSquare, -exponent);
  fraction = fused_multiply_add(rest, kGeluSquare, fraction);
  Number a = -z;
  Number top = all(kGeluTop4);
  top = fused_multiply_add(top, a, kGeluTop3);
  top = fused_multiply_add(top, a, kGeluTop2);
  top = fused_multiply_add(top, a, kGeluTop1);
  top = fused_multiply_add(top, a, kGeluTop0);
  Number bottom = all(kGeluBottom5);
  bottom = fused_multiply_add(bottom, a, kGeluBottom4);
  bottom = fused_multiply_add(bottom, a, kGeluBottom3);
  bottom = fused_multiply_add(bottom, a, kGeluBottom2);
  bottom = fused_multiply_add(bottom, a, kGeluBottom1);
  bottom = fused_multiply_add(bottom, a, kGeluBottom0);
  return {z, power_of_two(shifted, exponent, fraction), top, bottom};
}

OPPARITY_FUNCTION Number gelu(Number gate) {
  const Gelu parts = gelu_parts(gate);
  Number numerator = parts.z * parts.scaled * parts.top;
  return fused_multiply_add(numerator, reciprocal(parts.bottom * kScaling), at_least(gate, -0.0f));
}

OPPARITY_FUNCTION Number gelu_slope(Number gate) {
  const Gelu parts = gelu_parts(gate);
  Number sum = fused_multiply_add(parts.z, kDensity, parts.top * reciprocal(parts.bottom));
  return reflected(gate, parts.scaled * sum * (1.0f / kScaling));
}

}  // namespace
