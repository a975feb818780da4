#pragma once

#include "native/contract/primitives.h"

namespace {

struct ReluSquared {
  static constexpr bool kIsGated = false;
  static constexpr bool kUpIsIdentity = true;

  OPPARITY_MEMBER Number gate(Number x, const Parameters&) {
    const Number positive = at_least(x, -0.0f);
    return positive * positive;
  }
  OPPARITY_MEMBER Number up(Number x, const Parameters&) { return x; }
  OPPARITY_MEMBER Number gate_slope(Number x, const Parameters&) {
    const Number positive = at_least(x, -0.0f);
    return positive + positive;
  }
};

}  // namespace
