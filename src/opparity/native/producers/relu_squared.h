#pragma once

#include "native/contract/primitives.h"

namespace {

struct ReluSquared {
  static constexpr bool kIsGated = false;

  OPPARITY_MEMBER Number gate(Number x, const Parameters&) {
    const Number positive = at_least(x, 0.0f);
    return positive * positive;
  }
};

}  // namespace
