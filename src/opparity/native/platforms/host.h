// A CPU standing in for a GPU, so that the GPU kernel's own source runs where there is none:
// tests/native/host_grid.cpp runs its threads as fibers. Compile with -ffp-contract=off.
#pragma once

// Not <cmath>, which takes GCC 12 half of a variant's time.
#include <cstdint>
#include <cstring>

#define OPPARITY_GPU 1
#define OPPARITY_FUNCTION static inline
#define OPPARITY_MEMBER static inline
#define OPPARITY_SHARED static
#define OPPARITY_GRID_CONSTANT const
#define OPPARITY_KERNEL(THREADS, BLOCKS) void

namespace opparity::host {

// Of the thread that runs.
struct Thread {
  uint32_t block_x, block_y, index;
};
const Thread& current_thread();
// What the lane `step` away, by exclusive or, has; ends the process where it has left the kernel.
uint32_t exchange(uint32_t value, int step);
// Waits for the block's other threads; ends the process where one has left the kernel.
void synchronise();

}  // namespace opparity::host

namespace {

using Number = float;
using Bits = uint32_t;

OPPARITY_FUNCTION Bits bits_of(Number value) {
  Bits bits;
  std::memcpy(&bits, &value, sizeof bits);
  return bits;
}
OPPARITY_FUNCTION Number number_of(Bits bits) {
  Number value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}
OPPARITY_FUNCTION Number fused_multiply_add(Number a, Number b, Number c) {
  return __builtin_fmaf(a, b, c);
}
OPPARITY_FUNCTION Number divide(Number a, Number b) { return a / b; }
OPPARITY_FUNCTION Number square_root(Number x) { return __builtin_sqrtf(x); }
OPPARITY_FUNCTION Number reciprocal(Number divisor) { return 1.0f / divisor; }
OPPARITY_FUNCTION Number magnitude(Number value) { return __builtin_fabsf(value); }
OPPARITY_FUNCTION Number at_most(Number x, Number limit) { return x > limit ? limit : x; }
OPPARITY_FUNCTION Number at_least(Number x, Number limit) { return x < limit ? limit : x; }
}  // namespace

#include "native/platforms/scalar.h"

namespace {

// Of two magnitudes, as integers: NaN's are above all others.
OPPARITY_FUNCTION Number maximum_or_nan(Number a, Number b) {
  return number_of(larger(bits_of(a), bits_of(b)));
}
OPPARITY_FUNCTION uint32_t block_index_x() { return opparity::host::current_thread().block_x; }
OPPARITY_FUNCTION uint32_t block_index_y() { return opparity::host::current_thread().block_y; }
OPPARITY_FUNCTION uint32_t thread_index() { return opparity::host::current_thread().index; }
OPPARITY_FUNCTION uint32_t multiply_high(uint32_t a, uint32_t b) {
  return static_cast<uint32_t>((static_cast<uint64_t>(a) * b) >> 32);
}
OPPARITY_FUNCTION void synchronise_block() { opparity::host::synchronise(); }
template <int kStep>
OPPARITY_FUNCTION uint32_t from_lane(uint32_t value) {
  return opparity::host::exchange(value, kStep);
}
// The largest among `kLanes` neighbouring lanes.
template <int kLanes>
OPPARITY_FUNCTION uint32_t maximum_of_lanes(uint32_t value) {
  for (int step = kLanes / 2; step > 0; step /= 2) {
    value = larger(value, opparity::host::exchange(value, step));
  }
  return value;
}
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
    _Float16 value;
    std::memcpy(&value, &half, sizeof value);
    return static_cast<float>(value);
  }
  OPPARITY_MEMBER uint32_t one(Number value) {
    const _Float16 rounded = static_cast<_Float16>(value);
    uint16_t half;
    std::memcpy(&half, &rounded, sizeof half);
    return value == value ? half : 0x7e00u;
  }
};

constexpr bool kConvertsE4M3FN = false;
constexpr bool kConvertsE5M2 = false;
constexpr bool kConvertsE4M3FNUZ = false;
constexpr bool kConversionKeepsNan = false;
OPPARITY_FUNCTION uint32_t convert_to_e4m3(const Number (&)[4], Number) { return 0; }
OPPARITY_FUNCTION uint32_t convert_to_e5m2(const Number (&)[4], Number) { return 0; }

OPPARITY_FUNCTION void load_no_later() {}
OPPARITY_FUNCTION uint32_t bytes_of_words(uint32_t a, uint32_t b, uint32_t c, uint32_t d) {
  return (a & 0xffu) | ((b & 0xffu) << 8) | ((c & 0xffu) << 16) | (d << 24);
}

}  // namespace
