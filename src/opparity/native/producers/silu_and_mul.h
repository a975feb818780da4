#pragma once

#include "native/contract/exponential.h"

namespace {

struct SiluAndMul {
  static constexpr bool kIsGated = true;
  static constexpr bool kUpIsIdentity = true;

  OPPARITY_MEMBER Number gate(Number x, const Parameters&) { return silu(x); }
  OPPARITY_MEMBER Number up(Number x, const Parameters&) { return x; }
  OPPARITY_MEMBER Number gate_slope(Number x, const Parameters&) { return silu_slope(x); }
};

}  // namespace
