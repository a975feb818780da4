// torch.clamp and its slope: one inside and on the bounds, zero outside and at NaN.
#pragma once

#include "native/contract/primitives.h"

namespace {

// NaN stays NaN.
OPPARITY_FUNCTION Number clamp(Number x, float limit) {
  return at_least(at_most(x, limit), -limit);
}

OPPARITY_FUNCTION Number clamp_slope(Number x, float limit) {
  return magnitude(x) <= all(limit) ? all(1.0f) : all(0.0f);
}

}  // namespace
