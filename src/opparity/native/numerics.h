// The numerics contract (docs/numerics.md) for one float32 value at a time, free of branches, so
// that the compiler can run a loop of it on any vector width. operators/numerics.py has the same
// constants, and a test compares the two files.
//
// Everything has internal linkage: a kernel is compiled once for each CPU capability, and a shared
// inline function compiled for AVX-512 must not end up serving a processor without it.
#pragma once

#include <cstdint>

namespace {

constexpr float kLog2EHigh = 0x1.715476p+0f;
constexpr float kLog2ELow = 0x1.4ae0cp-26f;
constexpr float kRoundingShift = 12582976.0f;
constexpr float kExp2Coefficients[] = {0x1p+0f,        0x1.62e42ap-1f, 0x1.ebf9c2p-3f,
                                       0x1.c6b6f0p-5f, 0x1.3ce8ccp-7f, 0x1.5bcbc6p-10f};
constexpr float kGateLimit = -128.0f;
constexpr float kUnscaling = 0x1p-64f;

// 1.5 * 2^23: the sum's low bits are the integer.
constexpr float kIntegerShift = 12582912.0f;

constexpr uint32_t kSignBit = 0x80000000u;
constexpr uint32_t kMagnitudeBits = 0x7fffffffu;
constexpr uint32_t kInfinityBits = 0x7f800000u;
constexpr uint32_t kQuietNanBits = 0x7fc00000u;

#define OPPARITY_INLINE static inline __attribute__((always_inline))

OPPARITY_INLINE uint32_t bits_of(float value) { return __builtin_bit_cast(uint32_t, value); }
OPPARITY_INLINE float float_of(uint32_t bits) { return __builtin_bit_cast(float, bits); }

OPPARITY_INLINE float fused_multiply_add(float a, float b, float c) {
  return __builtin_fmaf(a, b, c);
}

OPPARITY_INLINE float silu(float gate) {
  float magnitude = float_of(bits_of(gate) | kSignBit);
  float z = magnitude < kGateLimit ? kGateLimit : magnitude;
  float shifted = fused_multiply_add(z, kLog2EHigh, kRoundingShift);
  float exponent = shifted - kRoundingShift;
  float fraction = fused_multiply_add(z, kLog2EHigh, -exponent);
  fraction = fused_multiply_add(z, kLog2ELow, fraction);
  float power = kExp2Coefficients[5];
  power = fused_multiply_add(power, fraction, kExp2Coefficients[4]);
  power = fused_multiply_add(power, fraction, kExp2Coefficients[3]);
  power = fused_multiply_add(power, fraction, kExp2Coefficients[2]);
  power = fused_multiply_add(power, fraction, kExp2Coefficients[1]);
  power = fused_multiply_add(power, fraction, kExp2Coefficients[0]);
  // The integer stands in the low bits of `shifted`, with the scaling's 64; others are shifted out.
  float scaled = float_of(bits_of(power) + (bits_of(shifted) << 23));
  float reciprocal = 1.0f / fused_multiply_add(scaled, kUnscaling, 1.0f);
  float numerator = (z * scaled) * kUnscaling;
  float positive_part = gate < 0.0f ? -0.0f : gate;
  return fused_multiply_add(numerator, reciprocal, positive_part);
}

OPPARITY_INLINE float widen_bfloat16(uint16_t bits) {
  return float_of(static_cast<uint32_t>(bits) << 16);
}

// Exact for every float16, subnormals by a multiplication that moves the exponent's bias.
OPPARITY_INLINE float widen_float16(uint16_t bits) {
  uint32_t magnitude = static_cast<uint32_t>(bits & 0x7fffu) << 13;
  uint32_t wide = bits_of(float_of(magnitude) * 0x1p112f);
  wide = magnitude >= (0x7c00u << 13) ? magnitude | kInfinityBits : wide;
  return float_of(wide | (static_cast<uint32_t>(bits & 0x8000u) << 16));
}

// Rounds to the nearest bfloat16, ties to even; NaN stays NaN.
OPPARITY_INLINE float round_to_bfloat16(float value) {
  uint32_t bits = bits_of(value);
  uint32_t rounded = (bits + 0x7fffu + ((bits >> 16) & 1u)) & 0xffff0000u;
  return float_of((bits & kMagnitudeBits) > kInfinityBits ? kQuietNanBits : rounded);
}

// Rounds to the nearest float16, ties to even, overflow to infinity; NaN stays NaN.
OPPARITY_INLINE float round_to_float16(float value) {
  uint32_t sign = bits_of(value) & kSignBit;
  uint32_t magnitude = bits_of(value) & kMagnitudeBits;
  // Below 2^-14 the spacing is 2^-24, which is that of float32 at 0.5.
  uint32_t subnormal = bits_of((float_of(magnitude) + 0.5f) - 0.5f);
  uint32_t rounded = (magnitude + 0xfffu + ((magnitude >> 13) & 1u)) & 0xffffe000u;
  rounded = rounded >= 0x47800000u ? kInfinityBits : rounded;
  rounded = magnitude < 0x38800000u ? subnormal : rounded;
  rounded = magnitude > kInfinityBits ? kQuietNanBits : rounded;
  return float_of(rounded | sign);
}

// E4M3 of a magnitude's bits, saturating. Adding 2^(exponent + 20) rounds a number to its four
// leading digits, ties to even, since that is where float32's own last digit then stands; below the
// least normal number, whose exponent is 1 - Bias, the step stays that of the least exponent.
template <int32_t Bias, int32_t MaximumBits>
OPPARITY_INLINE uint32_t encode_e4m3(int32_t magnitude) {
  constexpr int32_t kLeastExponent = (128 - Bias) << 23;
  int32_t limited = magnitude > MaximumBits ? MaximumBits : magnitude;
  int32_t exponent = limited & static_cast<int32_t>(kInfinityBits);
  exponent = exponent < kLeastExponent ? kLeastExponent : exponent;
  int32_t step = exponent + (20 << 23);
  auto rounded = static_cast<int32_t>(
      bits_of(float_of(static_cast<uint32_t>(limited)) + float_of(static_cast<uint32_t>(step))));
  return static_cast<uint32_t>((rounded - step) + ((exponent - kLeastExponent) >> 20));
}

// Value formats. `encode` gives a code in the low byte; only with MayBeNan may the quotient be NaN.
struct Float8E4M3FN {
  static constexpr float kMaximum = 448.0f;
  static constexpr float kMinimumScale = 0x1.24924ap-18f;
  template <bool MayBeNan>
  OPPARITY_INLINE uint32_t encode(float quotient) {
    uint32_t bits = bits_of(quotient), magnitude = bits & kMagnitudeBits;
    uint32_t code = encode_e4m3<7, 0x43e00000>(static_cast<int32_t>(magnitude));
    code |= (bits >> 24) & 0x80u;
    return MayBeNan && magnitude > kInfinityBits ? 0x7fu : code;
  }
};

struct Float8E4M3FNUZ {
  static constexpr float kMaximum = 224.0f;
  static constexpr float kMinimumScale = 0x1.24924ap-17f;
  template <bool MayBeNan>
  OPPARITY_INLINE uint32_t encode(float quotient) {
    uint32_t bits = bits_of(quotient), magnitude = bits & kMagnitudeBits;
    uint32_t code = encode_e4m3<8, 0x43600000>(static_cast<int32_t>(magnitude));
    // 0x80 is NaN: there is no negative zero.
    code = code == 0u ? 0u : code | ((bits >> 24) & 0x80u);
    return MayBeNan && magnitude > kInfinityBits ? 0x80u : code;
  }
};

struct Int8 {
  static constexpr float kMaximum = 127.0f;
  static constexpr float kMinimumScale = 0x1p-23f;
  template <bool MayBeNan>
  OPPARITY_INLINE uint32_t encode(float quotient) {
    float limited = quotient < -128.0f ? -128.0f : quotient;
    limited = limited > 127.0f ? 127.0f : limited;
    uint32_t code = bits_of(limited + kIntegerShift);
    return MayBeNan && (bits_of(quotient) & kMagnitudeBits) > kInfinityBits ? 0u : code;
  }
};

// The dequantisation multiplier of a group whose largest magnitude has these bits.
template <typename Format>
OPPARITY_INLINE float group_scale(uint32_t amax_bits, bool has_bound, float bound) {
  float scale = float_of(amax_bits) / Format::kMaximum;
  if (has_bound) scale = scale > bound ? bound : scale;
  scale = scale < Format::kMinimumScale ? Format::kMinimumScale : scale;
  return amax_bits > kInfinityBits ? float_of(kQuietNanBits) : scale;
}

}  // namespace
