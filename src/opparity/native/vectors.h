// Vectors as wide as the capability has them, in GCC's own vector types: operators, comparisons and
// `?:` work on each lane. The functions here are what those types lack, or what compiles to more
// instructions than the processor needs.
//
// Everything has internal linkage: a kernel is compiled once for each CPU capability, and a shared
// inline function compiled for AVX-512 must not end up serving a processor without it.
#pragma once

#include <cstdint>
#include <cstring>
#if defined(__SSE2__)
#include <immintrin.h>
#elif defined(__ARM_NEON)
#include <arm_neon.h>
#endif

#define OPPARITY_INLINE static inline __attribute__((always_inline))

namespace {

#if defined(__AVX512F__)
constexpr int kLanes = 16;
#elif defined(__AVX2__)
constexpr int kLanes = 8;
#else
constexpr int kLanes = 4;
#endif

typedef float Floats __attribute__((vector_size(4 * kLanes)));
typedef int32_t Integers __attribute__((vector_size(4 * kLanes)));
typedef uint32_t Unsigned __attribute__((vector_size(4 * kLanes)));
// Two to a lane, and so many bytes: two vectors of lanes become one of words and half one of bytes.
typedef uint16_t Words __attribute__((vector_size(4 * kLanes)));
typedef uint8_t Bytes __attribute__((vector_size(2 * kLanes)));
typedef uint16_t Halves __attribute__((vector_size(2 * kLanes)));

constexpr int32_t kSignBit = INT32_MIN;
constexpr int32_t kMagnitudeBits = 0x7fffffff;
constexpr int32_t kInfinityBits = 0x7f800000;
constexpr int32_t kQuietNanBits = 0x7fc00000;

OPPARITY_INLINE Integers bits_of(Floats value) { return (Integers)value; }
OPPARITY_INLINE Floats float_of(Integers bits) { return (Floats)bits; }

// The value in every lane.
OPPARITY_INLINE Floats all(float value) { return value - Floats{}; }
OPPARITY_INLINE Integers all(int32_t value) { return value - Integers{}; }
OPPARITY_INLINE Words all(uint16_t value) { return value - Words{}; }

template <typename Vector>
OPPARITY_INLINE Vector load(const void* address) {
  Vector vector;
  std::memcpy(&vector, address, sizeof vector);
  return vector;
}

template <typename Vector>
OPPARITY_INLINE void store(void* address, Vector vector) {
  std::memcpy(address, &vector, sizeof vector);
}

OPPARITY_INLINE Integers larger(Integers a, Integers b) { return a > b ? a : b; }
// NaN in b stays.
OPPARITY_INLINE Floats larger(Floats a, Floats b) {
#if defined(__AVX512F__)
  return (Floats)_mm512_maskz_max_ps(-1, (__m512)a, (__m512)b);
#elif defined(__AVX2__)
  return (Floats)_mm256_max_ps((__m256)a, (__m256)b);
#elif defined(__SSE2__)
  return (Floats)_mm_max_ps((__m128)a, (__m128)b);
#else
  return a > b ? a : b;
#endif
}
OPPARITY_INLINE Floats smaller(Floats a, Floats b) { return a < b ? a : b; }

OPPARITY_INLINE Integers shift_right_unsigned(Integers bits, int count) {
  return (Integers)((Unsigned)bits >> count);
}

// a * b + c, rounded once.
OPPARITY_INLINE Floats fused_multiply_add(Floats a, Floats b, Floats c) {
#if defined(__AVX512F__)
  return (Floats)_mm512_fmadd_ps((__m512)a, (__m512)b, (__m512)c);
#elif defined(__AVX2__)
  return (Floats)_mm256_fmadd_ps((__m256)a, (__m256)b, (__m256)c);
#elif defined(__ARM_NEON)
  return (Floats)vfmaq_f32((float32x4_t)c, (float32x4_t)a, (float32x4_t)b);
#else
  Floats result;
  for (int lane = 0; lane < kLanes; ++lane) {
    result[lane] = __builtin_fmaf(a[lane], b[lane], c[lane]);
  }
  return result;
#endif
}

OPPARITY_INLINE Floats fused_multiply_add(Floats a, Floats b, float c) {
  return fused_multiply_add(a, b, all(c));
}
OPPARITY_INLINE Floats fused_multiply_add(Floats a, float b, Floats c) {
  return fused_multiply_add(a, all(b), c);
}

// The bits of `yes` where the mask has ones, and of `no` elsewhere.
template <typename Vector>
OPPARITY_INLINE Vector choose_bits(Vector mask, Vector yes, Vector no) {
#if defined(__AVX512F__)
  return (Vector)_mm512_ternarylogic_epi32((__m512i)mask, (__m512i)yes, (__m512i)no, 0xca);
#else
  return (yes & mask) | (no & ~mask);
#endif
}

// -min(|value|, limit); NaN gives -limit.
OPPARITY_INLINE Floats negative_magnitude_up_to(Floats value, float limit) {
#if defined(__AVX512F__)
  return (Floats)_mm512_range_ps((__m512)value, _mm512_set1_ps(limit), 0b1110);
#else
  return larger(float_of(bits_of(value) | kSignBit), all(-limit));
#endif
}

// The power of two of a number's exponent, with its sign, or `least` with that sign if larger.
OPPARITY_INLINE Floats signed_power_of_two(Floats value, int32_t least) {
#if defined(__AVX512F__)
  Integers power = bits_of(value) & (kSignBit | kInfinityBits);
  return (Floats)_mm512_range_ps((__m512)power, (__m512)_mm512_set1_epi32(least), 0b0011);
#else
  Integers power = larger(bits_of(value) & kInfinityBits, all(least));
  return float_of(power | (bits_of(value) & kSignBit));
#endif
}

OPPARITY_INLINE Floats gather(const float* table, Integers indices) {
#if defined(__AVX512F__)
  return (Floats)_mm512_mask_i32gather_ps(__m512{}, -1, (__m512i)indices, table, 4);
#else
  Floats result;
  for (int lane = 0; lane < kLanes; ++lane) result[lane] = table[indices[lane]];
  return result;
#endif
}

// In the low word of each lane its high word plus 16 times its low one.
OPPARITY_INLINE Integers high_word_and_sixteen_low_words(Integers bits) {
#if defined(__AVX512F__)
  return (Integers)_mm512_madd_epi16((__m512i)bits, _mm512_set1_epi32(0x00010010));
#elif defined(__AVX2__)
  return (Integers)_mm256_madd_epi16((__m256i)bits, _mm256_set1_epi32(0x00010010));
#else
  return shift_right_unsigned(bits, 16) + (bits << 4);
#endif
}

// The low words of both, in turns.
OPPARITY_INLINE Words low_words(Integers even, Integers odd) {
#if defined(__AVX2__) && !defined(__AVX512F__)
  return (Words)_mm256_blend_epi16((__m256i)even, (__m256i)(odd << 16), 0xaa);
#else
  return (Words)choose_bits(all(0xffff), even, odd << 16);
#endif
}

OPPARITY_INLINE Bytes low_bytes(Words words) { return __builtin_convertvector(words, Bytes); }

// 0 2 4 ... 1 3 5 ...
OPPARITY_INLINE Bytes even_then_odd(Bytes bytes) {
  Bytes order;
  for (int i = 0; i < 2 * kLanes; ++i) {
    order[i] = static_cast<uint8_t>(2 * i - (i < kLanes ? 0 : 2 * kLanes - 1));
  }
  return __builtin_shuffle(bytes, order);
}

OPPARITY_INLINE int32_t largest_of(Integers values) {
  Integers lane;
  for (int i = 0; i < kLanes; ++i) lane[i] = i;
  for (int distance = kLanes / 2; distance > 0; distance /= 2) {
    values = larger(values, __builtin_shuffle(values, lane ^ distance));
  }
  return values[0];
}

OPPARITY_INLINE Floats widen_float16(Halves halves) {
#if defined(__AVX512F__)
  return (Floats)_mm512_maskz_cvtph_ps(-1, (__m256i)halves);
#elif defined(__AVX2__)
  return (Floats)_mm256_cvtph_ps((__m128i)halves);
#elif defined(__ARM_NEON)
  return (Floats)vcvt_f32_f16((float16x4_t)halves);
#else
  // Exact for subnormals too: a multiplication moves the exponent's bias.
  Integers bits = __builtin_convertvector(halves, Integers);
  Integers magnitude = (bits & 0x7fff) << 13;
  Integers wide = bits_of(float_of(magnitude) * 0x1p112f);
  wide = magnitude >= (0x7c00 << 13) ? magnitude | kInfinityBits : wide;
  return float_of(wide | ((bits & 0x8000) << 16));
#endif
}

// Rounds to the nearest float16, ties to even, overflow to infinity; NaN stays NaN.
OPPARITY_INLINE Floats round_to_float16(Floats value) {
#if defined(__AVX512F__)
  __m256i halves = _mm512_maskz_cvtps_ph(-1, (__m512)value, _MM_FROUND_TO_NEAREST_INT);
  return (Floats)_mm512_maskz_cvtph_ps(-1, halves);
#elif defined(__AVX2__)
  return (Floats)_mm256_cvtph_ps(_mm256_cvtps_ph((__m256)value, _MM_FROUND_TO_NEAREST_INT));
#elif defined(__ARM_NEON)
  return (Floats)vcvt_f32_f16(vcvt_f16_f32((float32x4_t)value));
#else
  Integers sign = bits_of(value) & kSignBit;
  Integers magnitude = bits_of(value) & kMagnitudeBits;
  // Below 2^-14 the spacing is 2^-24, which is that of float32 at 0.5.
  Integers subnormal = bits_of((float_of(magnitude) + 0.5f) - 0.5f);
  Integers rounded = (magnitude + 0xfff + ((magnitude >> 13) & 1)) & ~0x1fff;
  rounded = rounded >= 0x47800000 ? all(kInfinityBits) : rounded;
  rounded = magnitude < 0x38800000 ? subnormal : rounded;
  rounded = magnitude > kInfinityBits ? all(kQuietNanBits) : rounded;
  return float_of(rounded | sign);
#endif
}

}  // namespace
