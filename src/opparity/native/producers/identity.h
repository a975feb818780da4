#pragma once

#include "native/contract/primitives.h"

namespace {

struct Identity {
  // The input's type holds every product.
  static constexpr bool kIsExact = true;
  static constexpr bool kIsGated = false;
  static constexpr bool kUpIsIdentity = true;

  OPPARITY_MEMBER Number gate(Number x, const Parameters&) { return x; }
  OPPARITY_MEMBER Number up(Number x, const Parameters&) { return x; }
  OPPARITY_MEMBER Number gate_slope(Number, const Parameters&) { return all(1.0f); }
};

}  // namespace
