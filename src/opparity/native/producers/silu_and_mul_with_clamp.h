#pragma once

#include "native/contract/clamp.h"
#include "native/contract/exponential.h"

namespace {

// The parameter is the limit.
struct SiluAndMulWithClamp {
  static constexpr bool kIsGated = true;
  static constexpr bool kUpIsIdentity = false;

  OPPARITY_MEMBER Number gate(Number x, const Parameters& p) {
    return silu(at_most(x, p.value[0]));
  }
  OPPARITY_MEMBER Number up(Number x, const Parameters& p) { return clamp(x, p.value[0]); }
  OPPARITY_MEMBER Number gate_slope(Number x, const Parameters& p) {
    return slope_below(x, p.value[0], silu_slope(x));
  }
  OPPARITY_MEMBER Number up_slope(Number x, const Parameters& p) {
    return clamp_slope(x, p.value[0]);
  }
};

}  // namespace
