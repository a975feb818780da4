// The numerics contract (docs/numerics.md) for NVIDIA GPUs, in as few instructions as it allows.
// Every step gives the bits of native/numerics.h; comments say where the instructions differ.
// Compile with -fmad=false -prec-div=true -ftz=false: fusing is said here, never guessed.
#pragma once

#include <cstdint>
#include <initializer_list>

namespace {

constexpr uint32_t kMagnitudeBits = 0x7fffffffu;
constexpr uint32_t kInfinityBits = 0x7f800000u;
constexpr uint32_t kQuietNanBits = 0x7fc00000u;
constexpr float kScaling = 0x1p64f;
// 1.5 * 2^23: the sum's low bits are the integer.
constexpr float kIntegerShift = 12582912.0f;

#define OPPARITY_DEVICE __device__ __forceinline__

OPPARITY_DEVICE uint32_t bits_of(float value) { return __float_as_uint(value); }
OPPARITY_DEVICE float float_of(uint32_t bits) { return __uint_as_float(bits); }

// The larger of two numbers, NaN if either is; +0 is above -0.
OPPARITY_DEVICE float maximum_or_nan(float a, float b) {
#if __CUDA_ARCH__ >= 800
  float result;
  asm("max.NaN.f32 %0, %1, %2;" : "=f"(result) : "f"(a), "f"(b));
  return result;
#else
  return a != a ? a : (b != b ? b : fmaxf(a, b));
#endif
}

// 1 / divisor, rounded to nearest, for divisors whose reciprocal is a normal number: one Newton
// step from the approximate one, which is what nvcc 13.0 makes of rcp.rn.f32 on sm_80, 90, 100 and
// 120, behind a test for divisors that are subnormal, huge or not numbers.
// tests/operators/test_on_gpu.py tries every mantissa.
OPPARITY_DEVICE float normal_reciprocal(float divisor) {
  float start;
  asm("rcp.approx.ftz.f32 %0, %1;" : "=f"(start) : "f"(divisor));
  return __fmaf_rn(__fmaf_rn(-divisor, start, 1.0f), start, start);
}

// amax / Format::kMaximum, rounded to nearest, for a finite amax: the product with the rounded
// reciprocal, corrected once, is the rounded quotient by 448, 224 and 127 for all 2^23 mantissas
// (tests/operators/test_numerics_contract.py). Where it is subnormal the lower clamp hides it.
template <typename Format>
OPPARITY_DEVICE float divide_by_maximum(float amax) {
  constexpr float kReciprocal = 1.0f / Format::kMaximum;
  float quotient = __fmul_rn(amax, kReciprocal);
  float error = __fmaf_rn(-Format::kMaximum, quotient, amax);
  return __fmaf_rn(error, kReciprocal, quotient);
}

// The divisor's sum as an fma has the same bits and leads ptxas to another order of the whole.
template <bool SumIsFma>
OPPARITY_DEVICE float silu(float gate) {
  float z = fmaxf(-fabsf(gate), -128.0f);
  float shifted = __fmaf_rn(z, 0x1.715476p+0f, 12582976.0f);
  float exponent = __fadd_rn(shifted, -12582976.0f);
  float fraction = __fmaf_rn(z, 0x1.715476p+0f, -exponent);
  fraction = __fmaf_rn(z, 0x1.4ae0cp-26f, fraction);
  float power = __fmaf_rn(0x1.5bcbc6p-10f, fraction, 0x1.3ce8ccp-7f);
  power = __fmaf_rn(power, fraction, 0x1.c6b6f0p-5f);
  power = __fmaf_rn(power, fraction, 0x1.ebf9c2p-3f);
  power = __fmaf_rn(power, fraction, 0x1.62e42ap-1f);
  power = __fmaf_rn(power, fraction, 1.0f);
  float scaled = float_of(bits_of(power) + (bits_of(shifted) << 23));
  float divisor = SumIsFma ? __fmaf_rn(scaled, 1.0f, kScaling) : __fadd_rn(scaled, kScaling);
  float reciprocal = normal_reciprocal(divisor);
  // max(gate, -0): the gate if it is not below zero, NaN included, else -0.
  return __fmaf_rn(__fmul_rn(z, scaled), reciprocal, maximum_or_nan(gate, -0.0f));
}

// Two numbers rounded to bfloat16, ties to even, and widened again; NaN stays NaN.
OPPARITY_DEVICE void round_to_bfloat16(float& a, float& b) {
#if __CUDA_ARCH__ >= 800
  uint32_t pair;
  asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(pair) : "f"(b), "f"(a));
  a = float_of(pair << 16), b = float_of(pair & 0xffff0000u);
#else
  for (float* value : {&a, &b}) {
    uint32_t bits = bits_of(*value);
    uint32_t rounded = (bits + 0x7fffu + ((bits >> 16) & 1u)) & 0xffff0000u;
    *value = float_of((bits & kMagnitudeBits) > kInfinityBits ? kQuietNanBits : rounded);
  }
#endif
}

// The same for float16; what is too large becomes an infinity.
OPPARITY_DEVICE void round_to_float16(float& a, float& b) {
  for (float* value : {&a, &b}) {
    asm("{ .reg .b16 half; cvt.rn.f16.f32 half, %0; cvt.f32.f16 %0, half; }" : "+f"(*value));
  }
}

template <uint32_t Bias, uint32_t MaximumBits>
OPPARITY_DEVICE uint32_t encode_e4m3(uint32_t magnitude) {
  uint32_t limited = min(magnitude, MaximumBits);
  uint32_t normal = ((limited + 0x7ffffu + ((limited >> 20) & 1u)) >> 20) - ((127u - Bias) << 3);
  constexpr uint32_t kStepBits = (127u + 21u - Bias) << 23;
  uint32_t subnormal = bits_of(__fadd_rn(float_of(limited), float_of(kStepBits))) - kStepBits;
  return limited < ((128u - Bias) << 23) ? subnormal : normal;
}

// Value formats. `encode4` gives the codes of four quotients, the first in the lowest byte, and
// `repair` mends the codes of a group that has an infinity or NaN, where `encode4` alone is not
// right there: so the common path carries none of it.
struct Float8E4M3FN {
  static constexpr float kMaximum = 448.0f;
  static constexpr float kMinimumScale = 0x1.24924ap-18f;
  static constexpr float kReciprocalFactor = 1.0f;

  OPPARITY_DEVICE static uint32_t encode(float quotient) {
    uint32_t bits = bits_of(quotient), magnitude = bits & kMagnitudeBits;
    uint32_t code = encode_e4m3<7, 0x43e00000u>(magnitude) | ((bits >> 24) & 0x80u);
    return magnitude > kInfinityBits ? 0x7fu : code;
  }
  OPPARITY_DEVICE static uint32_t encode4(float a, float b, float c, float d) {
#if __CUDA_ARCH__ >= 890
    uint16_t low, high;
    asm("cvt.rn.satfinite.e4m3x2.f32 %0, %1, %2;" : "=h"(low) : "f"(b), "f"(a));
    asm("cvt.rn.satfinite.e4m3x2.f32 %0, %1, %2;" : "=h"(high) : "f"(d), "f"(c));
    return low | (static_cast<uint32_t>(high) << 16);
#else
    return encode(a) | (encode(b) << 8) | (encode(c) << 16) | (encode(d) << 24);
#endif
  }
  OPPARITY_DEVICE static uint32_t repair(uint32_t codes, float) { return codes; }
};

struct Float8E4M3FNUZ {
  static constexpr float kMaximum = 224.0f;
  static constexpr float kMinimumScale = 0x1.24924ap-17f;
  // FNUZ's exponent bias is 8 where FN's is 7: its code of x is FN's code of 2x, and the doubling
  // is done once, to the group's reciprocal.
  static constexpr float kReciprocalFactor = 2.0f;

  OPPARITY_DEVICE static uint32_t encode4(float a, float b, float c, float d) {
    uint32_t codes = Float8E4M3FN::encode4(a, b, c, d);
    // A zero has no sign: clear the top bit of each byte whose other bits are all zero.
    uint32_t others = (codes & 0x7f7f7f7fu) + 0x7f7f7f7fu;
    return codes & (others | 0x7f7f7f7fu);
  }
  // NaN is 0x80, and FN's code of it, 0x7f, is the code of no number at or below 224.
  OPPARITY_DEVICE static uint32_t repair(uint32_t codes, float) {
    uint32_t is_nan = ((codes & 0x7f7f7f7fu) + 0x01010101u) & 0x80808080u;
    return (codes & ~((is_nan >> 7) * 0xffu)) | is_nan;
  }
};

struct Int8 {
  static constexpr float kMaximum = 127.0f;
  static constexpr float kMinimumScale = 0x1p-23f;
  static constexpr float kReciprocalFactor = 1.0f;

  OPPARITY_DEVICE static uint32_t shifted(float quotient) {
    return bits_of(__fadd_rn(fminf(fmaxf(quotient, -128.0f), 127.0f), kIntegerShift));
  }
  OPPARITY_DEVICE static uint32_t encode4(float a, float b, float c, float d) {
    uint32_t low = __byte_perm(shifted(a), shifted(b), 0x0040);
    uint32_t high = __byte_perm(shifted(c), shifted(d), 0x0040);
    return __byte_perm(low, high, 0x5410);
  }
  // Under an infinite or NaN scale every quotient is zero or NaN, whose codes are 0 as well.
  OPPARITY_DEVICE static uint32_t repair(uint32_t codes, float scale) {
    return (bits_of(scale) & kMagnitudeBits) < kInfinityBits ? codes : 0u;
  }
};

}  // namespace
