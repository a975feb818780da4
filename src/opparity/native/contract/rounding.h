// Rounding to 16 bits, ties to even, by integer operations, for platforms without an instruction.
#pragma once

#include "native/contract/primitives.h"

namespace {

// The nearest bfloat16; NaN stays NaN.
OPPARITY_FUNCTION Number bfloat16_by_integers(Number value) {
  Bits bits = bits_of(value);
  Bits rounded = (bits + 0x7fffu + ((bits >> 16) & 1u)) & 0xffff0000u;
  return number_of(value == value ? rounded : all_bits(kQuietNanBits));
}

// The nearest float16, overflow to infinity; NaN stays NaN.
OPPARITY_FUNCTION Number float16_by_integers(Number value) {
  Bits bits = bits_of(value), sign = bits & kSignBit, size = bits & kMagnitudeBits;
  // Below 2^-14 the spacing is 2^-24, which is that of float32 at 0.5.
  Bits subnormal = bits_of((number_of(size) + 0.5f) - 0.5f);
  Bits rounded = (size + 0xfffu + ((size >> 13) & 1u)) & 0xffffe000u;
  rounded = rounded > all_bits(0x477fffffu) ? all_bits(kInfinityBits) : rounded;
  rounded = size < all_bits(0x38800000u) ? subnormal : rounded;
  return number_of(value == value ? rounded | sign : all_bits(kQuietNanBits));
}

// The bit pattern of a number that is a float16 already.
OPPARITY_FUNCTION Bits float16_pattern(Number value) {
  Bits bits = bits_of(value), size = bits & kMagnitudeBits;
  // The product is exact, as it moves the exponent's bias; of subnormal numbers too.
  Bits pattern = bits_of(number_of(size) * 0x1p-112f) >> 13;
  pattern = size > all_bits(kInfinityBits - 1) ? (size >> 13) & 0x7fffu : pattern;
  return pattern | ((bits >> 16) & 0x8000u);
}

}  // namespace
