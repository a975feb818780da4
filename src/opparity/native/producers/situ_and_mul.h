#pragma once

#include "native/contract/tangent.h"

namespace {

// The parameters are beta and linear_beta, which limits nothing if it is not above zero.
struct SituAndMul {
  static constexpr bool kIsGated = true;
  static constexpr bool kUpIsIdentity = false;
  static constexpr bool kUpIsOddAndTakesLong = true;

  OPPARITY_MEMBER Number gate(Number x, const Parameters& p) {
    return situ(x, p.value[0], p.reciprocal[0]);
  }
  OPPARITY_MEMBER Number up(Number x, const Parameters& p) {
    return p.value[1] > 0.0f ? soft_limit(x, p.value[1], p.reciprocal[1]) : x;
  }
  OPPARITY_MEMBER Number gate_slope(Number x, const Parameters& p) {
    return situ_slope(x, p.value[0], p.reciprocal[0]);
  }
  OPPARITY_MEMBER Number up_slope(Number x, const Parameters& p) {
    return p.value[1] > 0.0f ? soft_limit_slope(x, p.value[1], p.reciprocal[1]) : all(1.0f);
  }
};

}  // namespace
