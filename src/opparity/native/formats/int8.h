#pragma once

#include "native/contract/primitives.h"

namespace {

struct Int8 {
  static constexpr int kIndex = static_cast<int>(opparity::ValueFormat::kInt8);
  static constexpr int kBits = opparity::kValueFacts[kIndex].bits;
  static constexpr float kMaximum = opparity::kValueFacts[kIndex].maximum;
  static constexpr float kLowest = opparity::kValueFacts[kIndex].lowest;
  // No rule of E8M0 scales is defined for integers.
  static constexpr int kLargestExponent = 0;
  static constexpr int kMantissa = 0;

  OPPARITY_MEMBER Bits encode_inside(Number number) { return bits_of(number + kIntegerShift); }
  OPPARITY_MEMBER Bits encode(Number number) {
    Number limited = at_least(at_most(number, kMaximum), kLowest);
    return number == number ? encode_inside(limited) : all_bits(0);
  }
};

}  // namespace
