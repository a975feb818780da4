// Codes of floating-point formats of 8 bits and fewer: one file in formats/ for each.
#pragma once

#include "native/contract/primitives.h"

namespace {

// A format with a sign, `Mantissa` bits behind the leading one and the exponent's bias.
//
// The sum of a number, scaled down, and the power of two of its exponent has the number's digits in
// its low bits, rounded to nearest even, since that is where float32's own last digit then stands;
// below the least normal number the step stays that of the least exponent. The exponent's field
// counts steps of 2^Mantissa codes, and the digits, with their leading one, the codes between.
template <opparity::ValueFormat Format, int Mantissa, int Bias, int LargestExponent,
          uint32_t NanCode>
struct SmallFloat {
  static constexpr int kBits = opparity::kValueFacts[static_cast<int>(Format)].bits;
  static constexpr float kMaximum = opparity::kValueFacts[static_cast<int>(Format)].maximum;
  static constexpr float kLowest = -kMaximum;
  // For the rules of E8M0 scales.
  static constexpr int kLargestExponent = LargestExponent;
  static constexpr int kMantissa = Mantissa;

  // The code of a number that is neither NaN nor beyond the format's range, in the low bits; those
  // above are undefined.
  OPPARITY_MEMBER Bits encode_inside(Number number) {
    constexpr int kDropped = 23 - Mantissa;
    constexpr uint32_t kLeast = static_cast<uint32_t>(128 - Bias) << 23;
    constexpr float kStep = 1.0f / static_cast<float>(1 << kDropped);
    Number power = signed_power_of_two(number, kLeast);
    Bits sum = bits_of(fused_multiply_add(number, kStep, power));
    Bits code = (sum >> kDropped) + sum - (kLeast >> kDropped);
    return code | ((sum >> (32 - kBits)) & (1u << (kBits - 1)));
  }

  // The code of any number.
  OPPARITY_MEMBER Bits encode(Number number) {
    Number limited = at_least(at_most(number, kMaximum), kLowest);
    return number == number ? encode_inside(limited) : all_bits(NanCode);
  }
};

}  // namespace
