// Codes of floating-point formats of 8 bits and fewer: one file in formats/ for each.
#pragma once

#include "native/contract/primitives.h"

namespace {

// The same in both halves of a pattern.
constexpr uint32_t twice(uint32_t half) { return half << 16 | half; }

// A format with a sign, `Mantissa` bits behind the leading one and the exponent's bias.
//
// The sum of a number, scaled down, and the power of two of its exponent has the number's digits in
// its low bits, rounded to nearest even, since that is where float32's own last digit then stands;
// below the least normal number the step stays that of the least exponent. The exponent's field
// counts steps of 2^Mantissa codes, and the digits, with their leading one, the codes between.
//
// A number's multiple by 2^Bias has exponents that are a multiple of 64 more than the code's, so
// that nothing is left to subtract in the low byte.
//
// A word is the low half of a pattern: the code without its sign in the low byte, and the sign
// further up. `codes` makes codes of one word in a lane or of two.
template <opparity::ValueFormat Format, int Mantissa, int Bias, int LargestExponent,
          uint32_t NanCode>
struct SmallFloat {
  static constexpr int kBits = opparity::kValueFacts[static_cast<int>(Format)].bits;
  static constexpr float kMaximum = opparity::kValueFacts[static_cast<int>(Format)].maximum;
  static constexpr float kLowest = -kMaximum;
  // For the rules of E8M0 scales.
  static constexpr int kLargestExponent = LargestExponent;
  static constexpr int kMantissa = Mantissa;

  static constexpr int kDropped = 23 - Mantissa;
  static constexpr float kPrescale = static_cast<float>(1 << Bias);
  // The least exponent of a normal number, so multiplied.
  static constexpr uint32_t kLeast = 128u << 23;
  // How far the sign of a word is above that of a code.
  static constexpr int kAbove = 9 + Mantissa - kBits;
  static constexpr uint32_t kSignOfCode = 1u << (kBits - 1);

  // Of a number times kPrescale that is neither NaN nor beyond the format's range.
  OPPARITY_MEMBER Bits word_inside(Number scaled) {
    constexpr float kStep = 1.0f / static_cast<float>(1 << kDropped);
    Number power = signed_power_of_two(scaled, kLeast);
    Bits sum = bits_of(fused_multiply_add(scaled, kStep, power));
    return (sum >> kDropped) + sum;
  }

  // Of any number.
  OPPARITY_MEMBER Bits word(Number number) {
    Number limited = at_least(at_most(number, kMaximum), kLowest);
    return number == number ? word_inside(limited * kPrescale) : all_bits(NanCode);
  }

  // In the low bits of each half; those above are undefined.
  OPPARITY_MEMBER Bits codes(Bits words) {
    // The sign's bit of the one and all others of the other.
    return words ^ ((words ^ (words >> kAbove)) & twice(kSignOfCode));
  }

  OPPARITY_MEMBER Bits encode_inside(Number number) {
    return codes(word_inside(number * kPrescale));
  }
  OPPARITY_MEMBER Bits encode(Number number) { return codes(word(number)); }
};

}  // namespace
