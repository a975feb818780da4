#pragma once

#include "native/contract/exponential.h"

namespace {

// The parameter is alpha.
struct GeluQuick {
  static constexpr bool kIsGated = false;
  static constexpr bool kUpIsIdentity = true;

  OPPARITY_MEMBER Number gate(Number x, const Parameters& p) {
    return swish(x, swish_factors(p.value[0], p.reciprocal[0]));
  }
  OPPARITY_MEMBER Number up(Number x, const Parameters&) { return x; }
  OPPARITY_MEMBER Number gate_slope(Number x, const Parameters& p) {
    return swish_slope(x, p.value[0], swish_factors(p.value[0], p.reciprocal[0]));
  }
};

}  // namespace
