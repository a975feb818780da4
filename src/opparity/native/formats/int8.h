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

  // As SmallFloat has them.
  static constexpr float kPrescale = 1.0f;
  OPPARITY_MEMBER Bits word_inside(Number number) { return bits_of(number + kIntegerShift); }
  OPPARITY_MEMBER Bits word(Number number) {
    Number limited = at_least(at_most(number, kMaximum), kLowest);
    return number == number ? word_inside(limited) : all_bits(0);
  }
  OPPARITY_MEMBER Bits codes(Bits words) { return words; }

  OPPARITY_MEMBER Bits encode_inside(Number number) { return word_inside(number); }
  OPPARITY_MEMBER Bits encode(Number number) { return word(number); }
};

}  // namespace
