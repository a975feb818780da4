#pragma once

#include "native/contract/tangent.h"

namespace {

// The parameters are beta and linear_beta.
struct SituAndMul {
  static constexpr bool kIsGated = true;
  static constexpr bool kUpIsIdentity = false;

  OPPARITY_MEMBER Number gate(Number x, const Parameters& p) {
    return situ(x, p.value[0], p.reciprocal[0]);
  }
  OPPARITY_MEMBER Number up(Number x, const Parameters& p) {
    return soft_limit(x, p.value[1], p.reciprocal[1]);
  }
  OPPARITY_MEMBER Number gate_slope(Number x, const Parameters& p) {
    return situ_slope(x, p.value[0], p.reciprocal[0]);
  }
  OPPARITY_MEMBER Number up_slope(Number x, const Parameters& p) {
    return soft_limit_slope(x, p.value[1], p.reciprocal[1]);
  }
};

}  // namespace
