#pragma once

#include "native/contract/gelu.h"

namespace {

struct GeluAndMul {
  static constexpr bool kIsGated = true;
  static constexpr bool kUpIsIdentity = true;

  OPPARITY_MEMBER Number gate(Number x, const Parameters&) { return gelu(x); }
  OPPARITY_MEMBER Number up(Number x, const Parameters&) { return x; }
  OPPARITY_MEMBER Number gate_slope(Number x, const Parameters&) { return gelu_slope(x); }
};

}  // namespace
