// The primitives of a CPU: vectors as wide as the capability has them, in the vector types that GCC
// and Clang have.
// Operators, comparisons and `?:` work on each lane. The functions here are what those types lack,
// or what compiles to more instructions than the processor needs.
//
// Everything has internal linkage: a kernel is compiled once for each CPU capability, and a shared
// inline function compiled for AVX-512 must not end up serving a processor without it.
#pragma once

#include <cstdint>
#include <cstring>
#include <utility>
#if defined(__SSE2__)
#include <immintrin.h>
#elif defined(__ARM_NEON)
#include <arm_neon.h>
#endif

#define OPPARITY_FUNCTION static inline __attribute__((always_inline))
#define OPPARITY_MEMBER static inline __attribute__((always_inline))
#if defined(__AVX512F__)
// One instruction multiplies by the power of two of a number, which has the 64 of the contract's
// scaling no more.
#define OPPARITY_POLYNOMIAL_SCALING 0x1p64f
#endif

namespace {

#if defined(__AVX512F__)
constexpr int kLanes = 16;
#elif defined(__AVX2__)
constexpr int kLanes = 8;
#else
constexpr int kLanes = 4;
#endif

typedef float Number __attribute__((vector_size(4 * kLanes)));
typedef uint32_t Bits __attribute__((vector_size(4 * kLanes)));
// What comparisons give: all ones where they hold.
typedef int32_t Mask __attribute__((vector_size(4 * kLanes)));

OPPARITY_FUNCTION Bits bits_of(Number value) { return (Bits)value; }
OPPARITY_FUNCTION Number number_of(Bits bits) { return (Number)bits; }
OPPARITY_FUNCTION Number all(float value) { return value - Number{}; }
OPPARITY_FUNCTION Bits all_bits(uint32_t value) { return value - Bits{}; }

OPPARITY_FUNCTION bool any(Mask mask) {
#if defined(__AVX512F__)
  return _mm512_movepi32_mask((__m512i)mask) != 0;
#elif defined(__AVX2__)
  return _mm256_movemask_ps((__m256)mask) != 0;
#elif defined(__SSE2__)
  return _mm_movemask_ps((__m128)mask) != 0;
#else
  int32_t some = 0;
  for (int lane = 0; lane < kLanes; ++lane) some |= mask[lane];
  return some != 0;
#endif
}

template <typename Vector>
OPPARITY_FUNCTION Vector load(const void* address) {
  Vector vector;
  std::memcpy(&vector, address, sizeof vector);
  return vector;
}

template <typename Vector>
OPPARITY_FUNCTION void store(void* address, Vector vector) {
  std::memcpy(address, &vector, sizeof vector);
}

// The lanes of one vector, or of two of which the second's are counted on: each the one that a
// function of its place names, which has to be known when this is compiled.
template <auto kFrom, typename Vector, int... kLane>
OPPARITY_FUNCTION Vector shuffled(Vector first, Vector second,
                                  std::integer_sequence<int, kLane...>) {
  return __builtin_shufflevector(first, second, kFrom(kLane)...);
}
template <auto kFrom, typename Vector>
OPPARITY_FUNCTION Vector shuffled(Vector first, Vector second) {
  constexpr int kCount = sizeof(Vector) / sizeof(first[0]);
  return shuffled<kFrom>(first, second, std::make_integer_sequence<int, kCount>());
}
template <auto kFrom, typename Vector>
OPPARITY_FUNCTION Vector shuffled(Vector vector) {
  return shuffled<kFrom>(vector, vector);
}

// Of patterns below 2^31, which more processors compare with signs than without.
OPPARITY_FUNCTION Bits larger(Bits a, Bits b) {
  const Mask first = (Mask)a, second = (Mask)b;
  return (Bits)(first > second ? first : second);
}

// The limit where it is below, or above, x: so a NaN in x stays, and x where both are zeros.
OPPARITY_FUNCTION Number at_most(Number x, Number limit) {
#if defined(__AVX512F__)
  return (Number)_mm512_maskz_min_ps(-1, (__m512)limit, (__m512)x);
#elif defined(__AVX2__)
  return (Number)_mm256_min_ps((__m256)limit, (__m256)x);
#elif defined(__SSE2__)
  return (Number)_mm_min_ps((__m128)limit, (__m128)x);
#else
  return limit < x ? limit : x;
#endif
}
OPPARITY_FUNCTION Number at_least(Number x, Number limit) {
#if defined(__AVX512F__)
  return (Number)_mm512_maskz_max_ps(-1, (__m512)limit, (__m512)x);
#elif defined(__AVX2__)
  return (Number)_mm256_max_ps((__m256)limit, (__m256)x);
#elif defined(__SSE2__)
  return (Number)_mm_max_ps((__m128)limit, (__m128)x);
#else
  return limit > x ? limit : x;
#endif
}
OPPARITY_FUNCTION Number at_most(Number x, float limit) { return at_most(x, all(limit)); }
OPPARITY_FUNCTION Number at_least(Number x, float limit) { return at_least(x, all(limit)); }

OPPARITY_FUNCTION Number magnitude(Number x) { return number_of(bits_of(x) & 0x7fffffffu); }

OPPARITY_FUNCTION Number negative_magnitude_up_to(Number x, float limit) {
#if defined(__AVX512F__)
  return (Number)_mm512_range_ps((__m512)x, _mm512_set1_ps(limit), 0b1110);
#else
  return at_least(number_of(bits_of(x) | 0x80000000u), -limit);
#endif
}

OPPARITY_FUNCTION Number signed_power_of_two(Number x, uint32_t least) {
#if defined(__AVX512F__)
  const Bits power = bits_of(x) & 0xff800000u;
  const auto smallest = _mm512_set1_epi32(static_cast<int32_t>(least));
  return (Number)_mm512_range_ps((__m512)power, (__m512)smallest, 0b0011);
#else
  const Bits power = larger(bits_of(x) & 0x7f800000u, all_bits(least));
  return number_of(power | (bits_of(x) & 0x80000000u));
#endif
}

OPPARITY_FUNCTION Number scaled_power(Number power, [[maybe_unused]] Number shifted,
                                      [[maybe_unused]] Number exponent) {
#if defined(__AVX512F__)
  return (Number)_mm512_maskz_scalef_ps(-1, (__m512)power, (__m512)exponent);
#else
  // The integer stands in the low bits of `shifted`, with the scaling's 64; others are shifted out.
  return number_of(bits_of(power) + (bits_of(shifted) << 23));
#endif
}

#if defined(__SSE2__) && !defined(__AVX2__)
// The product is exact in double precision. The sum is rounded to odd there, which leaves what the
// second rounding decides (Boldo and Melquiond, 2008), by what Knuth's sum of two loses. Not in
// line: in each polynomial that takes GCC 12 five times as long.
[[gnu::noinline, maybe_unused]] Number fused_in_doubles(Number a, Number b, Number c) {
  typedef double Doubles __attribute__((vector_size(8 * kLanes)));
  typedef uint64_t Words __attribute__((vector_size(8 * kLanes)));
  const Doubles product = __builtin_convertvector(a, Doubles) * __builtin_convertvector(b, Doubles);
  const Doubles addend = __builtin_convertvector(c, Doubles), sum = product + addend;
  const Doubles added = sum - product;
  const Doubles lost = (product - (sum - added)) + (addend - added);
  // NaN beside infinities, which stay.
  const Words is_even = ~(Words)sum & (Words)((lost < 0.0) | (lost > 0.0)) & 1;
  const Words is_beyond = is_even & (((Words)sum ^ (Words)lost) >> 63);
  return __builtin_convertvector((Doubles)((Words)sum + is_even - 2 * is_beyond), Number);
}
#endif

OPPARITY_FUNCTION Number fused_multiply_add(Number a, Number b, Number c) {
#if defined(__AVX512F__)
  return (Number)_mm512_fmadd_ps((__m512)a, (__m512)b, (__m512)c);
#elif defined(__AVX2__)
  return (Number)_mm256_fmadd_ps((__m256)a, (__m256)b, (__m256)c);
#elif defined(__ARM_NEON)
  return (Number)vfmaq_f32((float32x4_t)c, (float32x4_t)a, (float32x4_t)b);
#elif defined(__SSE2__)
  return fused_in_doubles(a, b, c);
#else
  for (int lane = 0; lane < kLanes; ++lane) c[lane] = __builtin_fmaf(a[lane], b[lane], c[lane]);
  return c;
#endif
}
OPPARITY_FUNCTION Number fused_multiply_add(Number a, Number b, float c) {
  return fused_multiply_add(a, b, all(c));
}
OPPARITY_FUNCTION Number fused_multiply_add(Number a, float b, Number c) {
  return fused_multiply_add(a, all(b), c);
}
OPPARITY_FUNCTION Number fused_multiply_add(Number a, float b, float c) {
  return fused_multiply_add(a, all(b), all(c));
}

// The divider runs beside the other instructions (docs/benchmarks.md).
OPPARITY_FUNCTION Number reciprocal(Number x) { return 1.0f / x; }
OPPARITY_FUNCTION Number divide(Number a, Number b) { return a / b; }
OPPARITY_FUNCTION Number square_root(Number x) {
#if defined(__AVX512F__)
  return (Number)_mm512_maskz_sqrt_ps(-1, (__m512)x);
#elif defined(__AVX2__)
  return (Number)_mm256_sqrt_ps((__m256)x);
#elif defined(__SSE2__)
  return (Number)_mm_sqrt_ps((__m128)x);
#else
  for (int lane = 0; lane < kLanes; ++lane) x[lane] = __builtin_sqrtf(x[lane]);
  return x;
#endif
}
OPPARITY_FUNCTION Number divide_by_maximum(Number x, float maximum) { return x / maximum; }

}  // namespace
