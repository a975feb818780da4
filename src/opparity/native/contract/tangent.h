// The hyperbolic tangent as a soft limit, and SiTU: docs/numerics.md, sections 6 and 7.
#pragma once

#include "native/contract/clamp.h"
#include "native/contract/exponential.h"

namespace {

constexpr float kTangentTop0 = 0x1p+0f;
constexpr float kTangentTop1 = 0x1.121a94p-3f;
constexpr float kTangentTop2 = 0x1.ca9d96p-9f;
constexpr float kTangentTop3 = 0x1.5a9b90p-16f;
constexpr float kTangentTop4 = 0x1.ccf15cp-27f;
constexpr float kTangentBottom0 = 0x1p+0f;
constexpr float kTangentBottom1 = 0x1.de6298p-2f;
constexpr float kTangentBottom2 = 0x1.a82f26p-6f;
constexpr float kTangentBottom3 = 0x1.591412p-12f;
constexpr float kTangentBottom4 = 0x1.a2ef34p-21f;
// The tangent of 9 is 1 to within 2^-24.
constexpr float kTangentEdge = 9.0f;

// bound * tanh(x / bound) is y * top / bottom; v is x / bound within the edge.
struct SoftLimit {
  Number y, v, top, bottom;
};

OPPARITY_FUNCTION SoftLimit soft_limit_parts(Number x, float bound, float reciprocal_of_bound) {
  Number y = clamp(x, kTangentEdge * bound);
  Number v = y * reciprocal_of_bound;
  Number square = v * v;
  Number top = all(kTangentTop4);
  top = fused_multiply_add(top, square, kTangentTop3);
  top = fused_multiply_add(top, square, kTangentTop2);
  top = fused_multiply_add(top, square, kTangentTop1);
  top = fused_multiply_add(top, square, kTangentTop0);
  Number bottom = all(kTangentBottom4);
  bottom = fused_multiply_add(bottom, square, kTangentBottom3);
  bottom = fused_multiply_add(bottom, square, kTangentBottom2);
  bottom = fused_multiply_add(bottom, square, kTangentBottom1);
  bottom = fused_multiply_add(bottom, square, kTangentBottom0);
  return {y, v, top, bottom};
}

OPPARITY_FUNCTION Number soft_limit(Number x, float bound, float reciprocal_of_bound) {
  const SoftLimit parts = soft_limit_parts(x, bound, reciprocal_of_bound);
  return parts.y * parts.top * reciprocal(parts.bottom);
}

struct TangentAndSlope {
  Number tangent, slope;
};

OPPARITY_FUNCTION TangentAndSlope tangent_and_slope(const SoftLimit& parts) {
  Number tangent = parts.v * (parts.top * reciprocal(parts.bottom));
  return {tangent, at_least(fused_multiply_add(-tangent, tangent, 1.0f), 0.0f)};
}

OPPARITY_FUNCTION Number soft_limit_slope(Number x, float bound, float reciprocal_of_bound) {
  return tangent_and_slope(soft_limit_parts(x, bound, reciprocal_of_bound)).slope;
}

// beta * tanh(gate / beta) * sigmoid(gate), with one reciprocal for both.
OPPARITY_FUNCTION Number situ(Number gate, float beta, float reciprocal_of_beta) {
  Number scaled = scaled_exponential(at_least(-magnitude(gate), kGateLimit));
  const SoftLimit parts = soft_limit_parts(gate, beta, reciprocal_of_beta);
  Number weight = gate < all(0.0f) ? scaled : all(kScaling);
  return parts.y * parts.top * weight * reciprocal((scaled + kScaling) * parts.bottom);
}

OPPARITY_FUNCTION Number situ_slope(Number gate, float beta, float reciprocal_of_beta) {
  Number scaled = scaled_exponential(at_least(-magnitude(gate), kGateLimit));
  const TangentAndSlope limit = tangent_and_slope(soft_limit_parts(gate, beta, reciprocal_of_beta));
  Number inverse = reciprocal_of_sum(scaled);
  // The sigmoid of |gate| and that of -|gate|.
  Number large = inverse * kScaling, small = scaled * inverse;
  const auto is_below = gate < all(0.0f);
  Number other = is_below ? large : small;
  Number sum = fused_multiply_add(beta * limit.tangent, other, limit.slope);
  return (is_below ? small : large) * sum;
}

}  // namespace
