// The primitives of an NVIDIA GPU. Compile with -fmad=false -prec-div=true -ftz=false: fusing is
// said where it is meant, never guessed. No header of CUDA's is needed.
#pragma once

#include <cstdint>

#define OPPARITY_GPU 1
#define OPPARITY_FUNCTION static __device__ __forceinline__
#define OPPARITY_MEMBER static __device__ __forceinline__
#define OPPARITY_SHARED __shared__
#define OPPARITY_GRID_CONSTANT const __grid_constant__
// BLOCKS of so many threads fit a multiprocessor of 65,536 registers. Turing has room for 1,024
// threads, four blocks of 256.
#if __CUDA_ARCH__ < 800
#define OPPARITY_KERNEL(THREADS, BLOCKS) \
  __global__ void __launch_bounds__(THREADS, (BLOCKS) < 4 ? (BLOCKS) : 4)
#else
#define OPPARITY_KERNEL(THREADS, BLOCKS) __global__ void __launch_bounds__(THREADS, BLOCKS)
#endif

namespace {

using Number = float;
using Bits = uint32_t;

OPPARITY_FUNCTION Bits bits_of(Number value) { return __float_as_uint(value); }
OPPARITY_FUNCTION Number number_of(Bits bits) { return __uint_as_float(bits); }

OPPARITY_FUNCTION Number fused_multiply_add(Number a, Number b, Number c) {
  return __fmaf_rn(a, b, c);
}
OPPARITY_FUNCTION Number divide(Number a, Number b) { return __fdiv_rn(a, b); }
OPPARITY_FUNCTION Number square_root(Number x) { return __fsqrt_rn(x); }
OPPARITY_FUNCTION Number magnitude(Number value) { return fabsf(value); }

// One Newton step from the approximate reciprocal, which is what nvcc 13.0 makes of rcp.rn.f32 on
// sm_80, 90, 100 and 120, behind a test for divisors that are subnormal, huge or not numbers.
// tests/operators/test_on_gpu.py tries every mantissa.
OPPARITY_FUNCTION Number reciprocal(Number divisor) {
  float start;
  asm("rcp.approx.ftz.f32 %0, %1;" : "=f"(start) : "f"(divisor));
  return __fmaf_rn(__fmaf_rn(-divisor, start, 1.0f), start, start);
}

// The larger of two numbers, NaN if either is; +0 is above -0.
OPPARITY_FUNCTION Number maximum_or_nan(Number a, Number b) {
#if __CUDA_ARCH__ >= 800
  float result;
  asm("max.NaN.f32 %0, %1, %2;" : "=f"(result) : "f"(a), "f"(b));
  return result;
#else
  return a != a ? a : (b != b ? b : fmaxf(a, b));
#endif
}
OPPARITY_FUNCTION Number minimum_or_nan(Number a, Number b) {
#if __CUDA_ARCH__ >= 800
  float result;
  asm("min.NaN.f32 %0, %1, %2;" : "=f"(result) : "f"(a), "f"(b));
  return result;
#else
  return a != a ? a : (b != b ? b : fminf(a, b));
#endif
}
// NaN in x stays.
OPPARITY_FUNCTION Number at_most(Number x, Number limit) { return minimum_or_nan(x, limit); }
OPPARITY_FUNCTION Number at_least(Number x, Number limit) { return maximum_or_nan(x, limit); }

}  // namespace

#include "native/platforms/scalar.h"

namespace {

// Of a thread: where it is, and what its neighbours have.
OPPARITY_FUNCTION uint32_t block_index_x() { return blockIdx.x; }
OPPARITY_FUNCTION uint32_t block_index_y() { return blockIdx.y; }
OPPARITY_FUNCTION uint32_t thread_index() { return threadIdx.x; }
OPPARITY_FUNCTION uint32_t multiply_high(uint32_t a, uint32_t b) { return __umulhi(a, b); }
// Waits for all threads of the block, and for what they wrote to shared memory.
OPPARITY_FUNCTION void synchronise_block() { __syncthreads(); }
// What the lane has that is `kStep` away by exclusive or. All lanes of the warp come here.
template <int kStep>
OPPARITY_FUNCTION uint32_t from_lane(uint32_t value) {
  return __shfl_xor_sync(0xffffffffu, value, kStep);
}
// The largest among `kLanes` neighbouring lanes. All lanes of the warp come here.
template <int kLanes>
OPPARITY_FUNCTION uint32_t maximum_of_lanes(uint32_t value) {
#if __CUDA_ARCH__ >= 800
  if constexpr (kLanes == 32) {
    return __reduce_max_sync(0xffffffffu, value);
  } else
#endif
  {
#pragma unroll
    for (int step = kLanes / 2; step > 0; step /= 2) {
      value = larger(value, __shfl_xor_sync(0xffffffffu, value, step));
    }
    return value;
  }
}

// Launches that overlap: with CUDA's programmatic dependent launch a kernel's blocks are set up
// while the kernel before it still runs (docs/benchmarks.md says what that saves and costs). A
// kernel that is launched so must wait before it touches memory, and read with plain loads: the
// compiler may move a load through the read-only path (__ldg) above the wait, and did.

// Waits until the kernels before this one have ended and what they wrote can be read.
OPPARITY_FUNCTION void wait_for_previous_kernel() {
#if __CUDA_ARCH__ >= 900
  asm volatile("griddepcontrol.wait;" ::: "memory");
#endif
}
// Lets the next kernel's blocks be set up as soon as every block of this one has come here. What
// that kernel may read is for its own wait to say, so this may come first.
OPPARITY_FUNCTION void let_next_kernel_start() {
#if __CUDA_ARCH__ >= 900
  asm volatile("griddepcontrol.launch_dependents;" ::: "memory");
#endif
}

// Flips bits of each half that is 0x7fff, the NaN of the processor's conversions.
template <uint32_t kFlipped>
OPPARITY_FUNCTION uint32_t flip_nan(uint32_t word) {
  const uint32_t others = word ^ 0x7fff7fffu;
  // The top bit of a half is clear where the whole half is.
  const uint32_t present = ((others & 0x7fff7fffu) + 0x7fff7fffu) | others;
  return word ^ (((~present & 0x80008000u) >> 15) * kFlipped);
}

// Two numbers of 16 bits at once, rounded once, subnormal ones too.
#if __CUDA_ARCH__ >= 900
#define OPPARITY_PAIRS(TYPE)                                          \
  OPPARITY_MEMBER uint32_t multiply(uint32_t a, uint32_t b) {         \
    uint32_t pair;                                                    \
    asm("mul.rn." TYPE " %0, %1, %2;" : "=r"(pair) : "r"(a), "r"(b)); \
    return pair;                                                      \
  }                                                                   \
  OPPARITY_MEMBER uint32_t add(uint32_t a, uint32_t b) {              \
    uint32_t pair;                                                    \
    asm("add.rn." TYPE " %0, %1, %2;" : "=r"(pair) : "r"(a), "r"(b)); \
    return pair;                                                      \
  }                                                                   \
  OPPARITY_MEMBER uint32_t larger_integers(uint32_t a, uint32_t b) {  \
    uint32_t pair;                                                    \
    asm("max.u16x2 %0, %1, %2;" : "=r"(pair) : "r"(a), "r"(b));       \
    return pair;                                                      \
  }
#else
#define OPPARITY_PAIRS(TYPE)
#endif

// 16-bit numbers: two in a word, rounded to nearest even.
struct BFloat16Conversion {
  OPPARITY_PAIRS("bf16x2")
  OPPARITY_MEMBER Number low(uint32_t word) { return number_of(word << 16); }
  OPPARITY_MEMBER Number high(uint32_t word) { return number_of(word & 0xffff0000u); }
  OPPARITY_MEMBER uint32_t pack(Number a, Number b) {
#if __CUDA_ARCH__ >= 800
    uint32_t pair;
    asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(pair) : "f"(b), "f"(a));
    return pair;
#else
    return one(a) | (one(b) << 16);
#endif
  }
  OPPARITY_MEMBER uint32_t canonical(uint32_t word) { return flip_nan<0x7fffu ^ 0x7fc0u>(word); }

 private:
  OPPARITY_MEMBER uint32_t one(Number value) {
    const uint32_t bits = bits_of(value);
    return value == value ? (bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16 : 0x7fffu;
  }
};
struct Float16Conversion {
  OPPARITY_PAIRS("f16x2")
  OPPARITY_MEMBER Number low(uint32_t word) {
    float value;
    asm("{ .reg .b16 a, b; mov.b32 {a, b}, %1; cvt.f32.f16 %0, a; }" : "=f"(value) : "r"(word));
    return value;
  }
  OPPARITY_MEMBER Number high(uint32_t word) {
    float value;
    asm("{ .reg .b16 a, b; mov.b32 {a, b}, %1; cvt.f32.f16 %0, b; }" : "=f"(value) : "r"(word));
    return value;
  }
  OPPARITY_MEMBER uint32_t pack(Number a, Number b) {
    uint32_t pair;
    asm("{ .reg .b16 a, b; cvt.rn.f16.f32 a, %1; cvt.rn.f16.f32 b, %2; mov.b32 %0, {a, b}; }"
        : "=r"(pair)
        : "f"(a), "f"(b));
    return pair;
  }
  OPPARITY_MEMBER uint32_t canonical(uint32_t word) { return flip_nan<0x7fffu ^ 0x7e00u>(word); }
};

// Which formats hardware converts to, and whether it keeps NaN and saturates.
constexpr bool kConvertsE4M3FN = __CUDA_ARCH__ >= 890;
constexpr bool kConvertsE5M2 = __CUDA_ARCH__ >= 890;
constexpr bool kConvertsE4M3FNUZ = false;
constexpr bool kConversionKeepsNan = true;

// The codes of four numbers, the first in the lowest byte.
OPPARITY_FUNCTION uint32_t convert_to_e4m3(const Number (&numbers)[4], Number) {
  uint16_t low = 0, high = 0;
#if __CUDA_ARCH__ >= 890
  asm("cvt.rn.satfinite.e4m3x2.f32 %0, %1, %2;" : "=h"(low) : "f"(numbers[1]), "f"(numbers[0]));
  asm("cvt.rn.satfinite.e4m3x2.f32 %0, %1, %2;" : "=h"(high) : "f"(numbers[3]), "f"(numbers[2]));
#endif
  return low | (static_cast<uint32_t>(high) << 16);
}
OPPARITY_FUNCTION uint32_t convert_to_e5m2(const Number (&numbers)[4], Number) {
  uint16_t low = 0, high = 0;
#if __CUDA_ARCH__ >= 890
  asm("cvt.rn.satfinite.e5m2x2.f32 %0, %1, %2;" : "=h"(low) : "f"(numbers[1]), "f"(numbers[0]));
  asm("cvt.rn.satfinite.e5m2x2.f32 %0, %1, %2;" : "=h"(high) : "f"(numbers[3]), "f"(numbers[2]));
#endif
  return low | (static_cast<uint32_t>(high) << 16);
}

// Keeps the compiler from moving loads behind this, as it does with those that a branch needs. No
// load is waited for.
OPPARITY_FUNCTION void load_no_later() { __syncwarp(); }
// The lowest bytes of four words, the first one's in the lowest byte.
OPPARITY_FUNCTION uint32_t bytes_of_words(uint32_t a, uint32_t b, uint32_t c, uint32_t d) {
  return __byte_perm(__byte_perm(a, b, 0x0040), __byte_perm(c, d, 0x0040), 0x5410);
}

}  // namespace
