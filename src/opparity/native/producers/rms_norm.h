#pragma once

#include "native/contract/rows.h"

namespace {

// The parameters are epsilon and the weight's offset.
struct RmsNorm {
  static constexpr bool kIsGated = false;
  static constexpr bool kReduces = true;
  static constexpr bool kTakesGate = false;

  OPPARITY_MEMBER Number row(Number sum, float inverse_width, const Parameters& p) {
    return inverse_root_mean_square(sum, inverse_width, p.value[0]);
  }
  OPPARITY_MEMBER Number column(Number weight, const Parameters& p) { return weight + p.value[1]; }
  // Whether a column is its weight, but for a zero's sign.
  OPPARITY_MEMBER bool keeps_columns(const Parameters& p) { return p.value[1] == 0.0f; }
  OPPARITY_MEMBER Number gate(Number, const Parameters&) { return all(1.0f); }
  OPPARITY_MEMBER Number gate_slope(Number, const Parameters&) { return all(0.0f); }
};

}  // namespace
