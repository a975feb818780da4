// The primitives of an AMD GPU, by the compiler's own built-in functions: no header of HIP's is
// needed. Compile with -ffp-contract=off.
#pragma once

#include <cstdint>

// HIPRTC brings these names itself.
#ifndef __device__
#define __device__ __attribute__((device))
#define __global__ __attribute__((global))
#endif

#define OPPARITY_GPU 1
#define OPPARITY_FUNCTION static __device__ __attribute__((always_inline)) inline
#define OPPARITY_MEMBER static __device__ __attribute__((always_inline)) inline
#define OPPARITY_GRID_CONSTANT const
#define OPPARITY_SHARED __attribute__((shared)) static
#define OPPARITY_KERNEL(THREADS, BLOCKS) \
  __global__ __attribute__((amdgpu_flat_work_group_size(1, THREADS))) void

namespace {

using Number = float;
using Bits = uint32_t;

OPPARITY_FUNCTION Bits bits_of(Number value) { return __builtin_bit_cast(uint32_t, value); }
OPPARITY_FUNCTION Number number_of(Bits bits) { return __builtin_bit_cast(float, bits); }

OPPARITY_FUNCTION Number fused_multiply_add(Number a, Number b, Number c) {
  return __builtin_fmaf(a, b, c);
}
// Correctly rounded: clang's default for HIP, and -fno-fast-math says so again.
OPPARITY_FUNCTION Number divide(Number a, Number b) { return a / b; }
OPPARITY_FUNCTION Number square_root(Number x) { return __builtin_sqrtf(x); }
OPPARITY_FUNCTION Number magnitude(Number value) { return __builtin_fabsf(value); }

// AMD documents its approximate reciprocal to one unit in the last place. From every start so near,
// made odd, two Newton steps give the correctly rounded reciprocal of every mantissa, in 6
// instructions instead of a division's 11 (tests/native/test_reciprocal.py).
OPPARITY_FUNCTION Number reciprocal(Number divisor) {
  Number start = number_of(bits_of(__builtin_amdgcn_rcpf(divisor)) | 1u);
  start = __builtin_fmaf(__builtin_fmaf(-divisor, start, 1.0f), start, start);
  return __builtin_fmaf(__builtin_fmaf(-divisor, start, 1.0f), start, start);
}

// NaN in x stays. By comparisons: in IEEE mode a maximum takes two more instructions, which quiet
// its operands.
OPPARITY_FUNCTION Number at_most(Number x, Number limit) { return x > limit ? limit : x; }
OPPARITY_FUNCTION Number at_least(Number x, Number limit) { return x < limit ? limit : x; }

}  // namespace

#include "native/platforms/scalar.h"

namespace {

// Of two magnitudes, as integers: NaN's are above all others.
OPPARITY_FUNCTION Number maximum_or_nan(Number a, Number b) {
  return number_of(larger(bits_of(a), bits_of(b)));
}
OPPARITY_FUNCTION uint32_t block_index_x() { return __builtin_amdgcn_workgroup_id_x(); }
OPPARITY_FUNCTION uint32_t block_index_y() { return __builtin_amdgcn_workgroup_id_y(); }
OPPARITY_FUNCTION uint32_t thread_index() { return __builtin_amdgcn_workitem_id_x(); }
OPPARITY_FUNCTION uint32_t multiply_high(uint32_t a, uint32_t b) {
  return static_cast<uint32_t>((static_cast<uint64_t>(a) * b) >> 32);
}
// Waits for all threads of the block, and for what they wrote to shared memory.
OPPARITY_FUNCTION void synchronise_block() {
  __builtin_amdgcn_fence(__ATOMIC_RELEASE, "workgroup");
  __builtin_amdgcn_s_barrier();
  __builtin_amdgcn_fence(__ATOMIC_ACQUIRE, "workgroup");
}
// What the lane has that is `kStep` away by exclusive or: ds_swizzle's bit mode, within halves of
// 32 lanes.
template <int kStep>
OPPARITY_FUNCTION uint32_t from_lane(uint32_t value) {
  const int other = __builtin_amdgcn_ds_swizzle(static_cast<int>(value), (kStep << 10) | 0x1f);
  return static_cast<uint32_t>(other);
}
// The largest among `kLanes` neighbouring lanes.
template <int kLanes>
OPPARITY_FUNCTION uint32_t maximum_of_lanes(uint32_t value) {
  if constexpr (kLanes == 1) {
    return value;
  } else {
    constexpr int kStep = kLanes / 2;
    return maximum_of_lanes<kStep>(larger(value, from_lane<kStep>(value)));
  }
}

// Launches overlap on NVIDIA alone.
OPPARITY_FUNCTION void wait_for_previous_kernel() {}
OPPARITY_FUNCTION void let_next_kernel_start() {}

struct BFloat16Conversion {
  OPPARITY_MEMBER Number low(uint32_t word) { return number_of(word << 16); }
  OPPARITY_MEMBER Number high(uint32_t word) { return number_of(word & 0xffff0000u); }
  OPPARITY_MEMBER uint32_t pack(Number a, Number b) { return one(a) | (one(b) << 16); }
  OPPARITY_MEMBER uint32_t canonical(uint32_t word) { return word; }

 private:
  OPPARITY_MEMBER uint32_t one(Number value) {
    const uint32_t bits = bits_of(value);
    return value == value ? (bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16 : 0x7fc0u;
  }
};
struct Float16Conversion {
  OPPARITY_MEMBER Number low(uint32_t word) { return widen(static_cast<uint16_t>(word)); }
  OPPARITY_MEMBER Number high(uint32_t word) { return widen(static_cast<uint16_t>(word >> 16)); }
  OPPARITY_MEMBER uint32_t pack(Number a, Number b) { return one(a) | (one(b) << 16); }
  OPPARITY_MEMBER uint32_t canonical(uint32_t word) { return word; }

 private:
  OPPARITY_MEMBER Number widen(uint16_t half) {
    return static_cast<float>(__builtin_bit_cast(_Float16, half));
  }
  OPPARITY_MEMBER uint32_t one(Number value) {
    // Of a product that is rounded clang 22 makes v_fma_mixlo_f16 with +0 added, which loses the
    // sign of a zero. Behind this it does not see the product.
    asm("" : "+v"(value));
    const uint16_t half = __builtin_bit_cast(uint16_t, static_cast<_Float16>(value));
    return value == value ? half : 0x7e00u;
  }
};

#if defined(__gfx950__) || defined(__gfx1200__) || defined(__gfx1201__) || defined(__gfx1250__)
constexpr bool kConvertsE4M3FN = true;
constexpr bool kConvertsE5M2 = true;
constexpr bool kConvertsE4M3FNUZ = false;
#elif defined(__gfx942__)
constexpr bool kConvertsE4M3FN = false;
constexpr bool kConvertsE5M2 = false;
constexpr bool kConvertsE4M3FNUZ = true;
#else
constexpr bool kConvertsE4M3FN = false;
constexpr bool kConvertsE5M2 = false;
constexpr bool kConvertsE4M3FNUZ = false;
#endif
// Of NaN the sign may stay, and beyond the largest code the result hangs on a mode.
constexpr bool kConversionKeepsNan = false;

OPPARITY_FUNCTION Number limit_for_conversion(Number number, Number maximum) {
  return __builtin_amdgcn_fmed3f(number, -maximum, maximum);
}
OPPARITY_FUNCTION uint32_t convert_to_e4m3(const Number (&numbers)[4], Number maximum) {
  int codes = 0;
#if defined(__gfx942__) || defined(__gfx950__) || defined(__gfx1200__) || defined(__gfx1201__) || \
    defined(__gfx1250__)
  codes = __builtin_amdgcn_cvt_pk_fp8_f32(limit_for_conversion(numbers[0], maximum),
                                          limit_for_conversion(numbers[1], maximum), codes, false);
  codes = __builtin_amdgcn_cvt_pk_fp8_f32(limit_for_conversion(numbers[2], maximum),
                                          limit_for_conversion(numbers[3], maximum), codes, true);
#endif
  return static_cast<uint32_t>(codes);
}
OPPARITY_FUNCTION uint32_t convert_to_e5m2(const Number (&numbers)[4], Number maximum) {
  int codes = 0;
#if defined(__gfx950__) || defined(__gfx1200__) || defined(__gfx1201__) || defined(__gfx1250__)
  codes = __builtin_amdgcn_cvt_pk_bf8_f32(limit_for_conversion(numbers[0], maximum),
                                          limit_for_conversion(numbers[1], maximum), codes, false);
  codes = __builtin_amdgcn_cvt_pk_bf8_f32(limit_for_conversion(numbers[2], maximum),
                                          limit_for_conversion(numbers[3], maximum), codes, true);
#endif
  return static_cast<uint32_t>(codes);
}

OPPARITY_FUNCTION void load_no_later() {}
// The lowest bytes of four words, the first one's in the lowest byte.
OPPARITY_FUNCTION uint32_t bytes_of_words(uint32_t a, uint32_t b, uint32_t c, uint32_t d) {
  return (a & 0xffu) | ((b & 0xffu) << 8) | ((c & 0xffu) << 16) | (d << 24);
}

}  // namespace
