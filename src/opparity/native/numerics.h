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
constexpr float kExp2Coefficients[] = {0x1p+0f,        0x1.62e42ap-1f, 0x1.ebf9bcp-3f,
                                       0x1.c6b752p-5f, 0x1.3cea88p-7f, 0x1.5bba14p-10f};
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

// E4M3 by integer operations. The bias of the exponent and the largest magnitude tell FN from FNUZ.
template <uint32_t Bias, uint32_t MaximumBits>
OPPARITY_INLINE uint32_t encode_e4m3(uint32_t magnitude) {
  uint32_t limited = magnitude > MaximumBits ? MaximumBits : magnitude;
  uint32_t normal = ((limited + 0x7ffffu + ((limited >> 20) & 1u)) >> 20) - ((127u - Bias) << 3);
  // Below the least normal number the spacing is 2^-(Bias + 2): that of float32 at 2^(21 - Bias).
  constexpr uint32_t kStepBits = (127u + 21u - Bias) << 23;
  uint32_t subnormal = bits_of(float_of(limited) + float_of(kStepBits)) - kStepBits;
  return limited < ((128u - Bias) << 23) ? subnormal : normal;
}

struct Float8E4M3FN {
  static constexpr float kMaximum = 448.0f;
  static constexpr float kMinimumScale = 0x1.24924ap-18f;
  OPPARITY_INLINE uint8_t encode(float quotient) {
    uint32_t bits = bits_of(quotient), magnitude = bits & kMagnitudeBits;
    uint32_t code = encode_e4m3<7, 0x43e00000u>(magnitude) | ((bits >> 24) & 0x80u);
    return static_cast<uint8_t>(magnitude > kInfinityBits ? 0x7fu : code);
  }
};

struct Float8E4M3FNUZ {
  static constexpr float kMaximum = 224.0f;
  static constexpr float kMinimumScale = 0x1.24924ap-17f;
  OPPARITY_INLINE uint8_t encode(float quotient) {
    uint32_t bits = bits_of(quotient), magnitude = bits & kMagnitudeBits;
    uint32_t code = encode_e4m3<8, 0x43600000u>(magnitude);
    // 0x80 is NaN: there is no negative zero.
    code = code == 0u ? 0u : code | ((bits >> 24) & 0x80u);
    return static_cast<uint8_t>(magnitude > kInfinityBits ? 0x80u : code);
  }
};

struct Int8 {
  static constexpr float kMaximum = 127.0f;
  static constexpr float kMinimumScale = 0x1p-23f;
  OPPARITY_INLINE uint8_t encode(float quotient) {
    float limited = quotient < -128.0f ? -128.0f : quotient;
    limited = limited > 127.0f ? 127.0f : limited;
    uint32_t code = bits_of(limited + kIntegerShift);
    return static_cast<uint8_t>(bits_of(quotient) << 1 > kInfinityBits << 1 ? 0u : code);
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
