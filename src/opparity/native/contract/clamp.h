// torch.clamp and its slope: one inside and on the bounds and at NaN, zero outside.
#pragma once

#include "native/contract/primitives.h"

namespace {

// NaN stays NaN.
OPPARITY_FUNCTION Number clamp(Number x, float limit) {
  return at_least(at_most(x, limit), -limit);
}

OPPARITY_FUNCTION Number clamp_slope(Number x, float limit) {
  return magnitude(x) > all(limit) ? all(0.0f) : all(1.0f);
}

// The slope of a function of at_most(x, limit), from that of the function.
OPPARITY_FUNCTION Number slope_below(Number x, float limit, Number slope) {
  return x > all(limit) ? all(0.0f) : slope;
}

}  // namespace
