#pragma once

#include "native/contract/clamp.h"
#include "native/contract/exponential.h"

namespace {

// The parameters are alpha, the limit and beta.
struct SwigluOaiAndMul {
  static constexpr bool kIsGated = true;
  static constexpr bool kUpIsIdentity = false;

  OPPARITY_MEMBER Number gate(Number x, const Parameters& p) {
    return swish(at_most(x, p.value[1]), swish_factors(p.value[0], p.reciprocal[0]));
  }
  OPPARITY_MEMBER Number up(Number x, const Parameters& p) {
    return clamp(x, p.value[1]) + p.value[2];
  }
  OPPARITY_MEMBER Number gate_slope(Number x, const Parameters& p) {
    const SwishFactors factors = swish_factors(p.value[0], p.reciprocal[0]);
    return slope_below(x, p.value[1], swish_slope(x, p.value[0], factors));
  }
  OPPARITY_MEMBER Number up_slope(Number x, const Parameters& p) {
    return clamp_slope(x, p.value[1]);
  }
};

}  // namespace
