// The gradient of a producer's input: docs/numerics.md, section 7.
#pragma once

#include "native/contract/primitives.h"

namespace {

// Puts the gradients of gate and up, or of the input, in their places. A slope of one is left out,
// which is exact.
template <typename Producer>
OPPARITY_FUNCTION void differentiate(Number& gate, [[maybe_unused]] Number& up, Number gradient,
                                     const Parameters& parameters) {
  const Number slope = Producer::gate_slope(gate, parameters);
  if constexpr (Producer::kIsGated) {
    const Number of_up = gradient * Producer::gate(gate, parameters);
    gate = gradient * Producer::up(up, parameters) * slope;
    if constexpr (Producer::kUpIsIdentity) {
      up = of_up;
    } else {
      up = of_up * Producer::up_slope(up, parameters);
    }
  } else {
    gate = gradient * slope;
  }
}

}  // namespace
