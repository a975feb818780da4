#pragma once

#include "native/contract/exponential.h"
#include "native/producers/rms_norm.h"

namespace {

struct GatedRmsNorm : RmsNorm {
  static constexpr bool kTakesGate = true;

  OPPARITY_MEMBER Number gate(Number x, const Parameters&) { return silu(x); }
  OPPARITY_MEMBER Number gate_slope(Number x, const Parameters&) { return silu_slope(x); }
};

}  // namespace
