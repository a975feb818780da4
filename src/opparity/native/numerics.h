// The numerics contract (docs/numerics.md) for a vector of float32 values at a time, free of
// branches. operators/numerics.py has the same constants, and a test compares the two files.
#pragma once

#include "native/vectors.h"

namespace {

constexpr float kLog2EHigh = 0x1.715476p+0f;
constexpr float kLog2ELow = 0x1.4ae0cp-26f;
constexpr float kRoundingShift = 12582976.0f;
constexpr float kExp2Coefficients[] = {0x1p+0f,        0x1.62e42ap-1f, 0x1.ebf9c2p-3f,
                                       0x1.c6b6f0p-5f, 0x1.3ce8ccp-7f, 0x1.5bcbc6p-10f};
constexpr float kGateLimit = -128.0f;
constexpr float kScaling = 0x1p64f;

// 1.5 * 2^23: the sum's low bits are the integer.
constexpr float kIntegerShift = 12582912.0f;

#if defined(__AVX512F__)
// With the scaling in the polynomial already, one instruction multiplies by a power of two.
constexpr float kPolynomialScaling = kScaling;
OPPARITY_INLINE Floats scaled_power(Floats power, Floats, Floats exponent) {
  return (Floats)_mm512_maskz_scalef_ps(-1, (__m512)power, (__m512)exponent);
}
#else
constexpr float kPolynomialScaling = 1.0f;
// The integer stands in the low bits of `shifted`, with the scaling's 64; others are shifted out.
OPPARITY_INLINE Floats scaled_power(Floats power, Floats shifted, Floats) {
  return float_of(bits_of(power) + (bits_of(shifted) << 23));
}
#endif

constexpr float coefficient(int degree) { return kPolynomialScaling * kExp2Coefficients[degree]; }

OPPARITY_INLINE Floats silu(Floats gate) {
  Floats z = negative_magnitude_up_to(gate, -kGateLimit);
  Floats shifted = fused_multiply_add(z, kLog2EHigh, all(kRoundingShift));
  Floats exponent = shifted - kRoundingShift;
  Floats fraction = fused_multiply_add(z, kLog2EHigh, -exponent);
  fraction = fused_multiply_add(z, kLog2ELow, fraction);
  Floats power = all(coefficient(5));
  power = fused_multiply_add(power, fraction, coefficient(4));
  power = fused_multiply_add(power, fraction, coefficient(3));
  power = fused_multiply_add(power, fraction, coefficient(2));
  power = fused_multiply_add(power, fraction, coefficient(1));
  power = fused_multiply_add(power, fraction, coefficient(0));
  Floats scaled = scaled_power(power, shifted, exponent);
  Floats reciprocal = 1.0f / (scaled + kScaling);
  Floats positive_part = larger(all(-0.0f), gate);
  return fused_multiply_add(z * scaled, reciprocal, positive_part);
}

// Rounds to the nearest bfloat16, ties to even; NaN stays NaN.
OPPARITY_INLINE Floats round_to_bfloat16(Floats value) {
  Integers bits = bits_of(value);
  Integers rounded = (bits + 0x7fff + (shift_right_unsigned(bits, 16) & 1)) & ~0xffff;
  return float_of(value == value ? rounded : all(kQuietNanBits));
}

// Value formats. `encode` takes products times kPrescale / scale and gives codes in the low byte of
// each word, the other one undefined; only with Any may they be NaN or beyond the format's range.
//
// E4M3: the sum with 2^(exponent + 20) rounds a number to its four leading digits, ties to even,
// since that is where float32's own last digit then stands; below the least normal number the step
// stays that of the least exponent. The prescale makes that exponent's field 144, and then the
// word 128 * field + 16 * digits has the code in bits 4 to 10, and the sign in bit 15.
constexpr int32_t kLeastField = 144;

template <int Bias>
struct Float8E4M3 {
  static constexpr float kMaximum = Bias == 7 ? 448.0f : 224.0f;
  static constexpr float kMinimumScale = Bias == 7 ? 0x1.24924ap-18f : 0x1.24924ap-17f;
  static constexpr float kPrescale = Bias == 7 ? 0x1p23f : 0x1p24f;
  // Codes 0x7f, and 0x80 as a word that is not that of -0.
  static constexpr int32_t kNanBits =
      Bias == 7 ? ((kLeastField + 15) << 23) + 7 : kSignBit | ((kLeastField + 16) << 23);

  template <bool Any>
  OPPARITY_INLINE Integers sum(Floats quotient) {
    Floats limited = quotient;
    if constexpr (Any) {
      constexpr float kLimit = kMaximum * kPrescale;
      limited = smaller(larger(quotient, all(-kLimit)), all(kLimit));
    }
    Floats power = signed_power_of_two(limited, kLeastField << 23);
    Integers sum = bits_of(fused_multiply_add(limited, 0x1p-20f, power));
    if constexpr (Any) sum = quotient == quotient ? sum : all(kNanBits);
    return high_word_and_sixteen_low_words(sum);
  }

  template <bool Any>
  OPPARITY_INLINE Words encode(Floats even, Floats odd) {
    Words words = low_words(sum<Any>(even), sum<Any>(odd));
    if constexpr (Bias == 8) {
      // There is no negative zero.
      constexpr uint16_t kZero = kLeastField * 128, kNegativeZero = kZero + 0x8000;
      words = words == kNegativeZero ? all(kZero) : words;
    }
    return choose_bits(all(uint16_t{0x80}), words >> 8, words >> 4);
  }
};
using Float8E4M3FN = Float8E4M3<7>;
using Float8E4M3FNUZ = Float8E4M3<8>;

struct Int8 {
  static constexpr float kMaximum = 127.0f;
  static constexpr float kMinimumScale = 0x1p-23f;
  static constexpr float kPrescale = 1.0f;

  template <bool Any>
  OPPARITY_INLINE Integers sum(Floats quotient) {
    if constexpr (!Any) return bits_of(quotient + kIntegerShift);
    Floats limited = smaller(larger(quotient, all(-128.0f)), all(127.0f));
    return quotient == quotient ? bits_of(limited + kIntegerShift) : Integers{};
  }

  template <bool Any>
  OPPARITY_INLINE Words encode(Floats even, Floats odd) {
    return low_words(sum<Any>(even), sum<Any>(odd));
  }
};

// The dequantisation multipliers of groups whose largest magnitudes have these bits.
template <typename Format>
OPPARITY_INLINE Floats group_scales(Integers amax_bits, float bound) {
  Floats scale = float_of(amax_bits) / Format::kMaximum;
  scale = scale > bound ? all(bound) : scale;
  scale = scale < Format::kMinimumScale ? all(Format::kMinimumScale) : scale;
  return amax_bits > kInfinityBits ? float_of(all(kQuietNanBits)) : scale;
}

}  // namespace
