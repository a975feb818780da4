// From products to codes, on a GPU: hardware's conversion where it has the format, otherwise the
// contract's.
#pragma once

#include "native/contract/scales.h"
#include "native/formats/all.h"

namespace {

// The product itself, in the input's dtype.
struct Unquantised {
  static constexpr int kBits = 16;
};

template <typename Format, int kElements>
constexpr int kCodeWords = (kElements * Format::kBits + 31) / 32;

template <typename Format>
constexpr bool kIsFnuz = false;
template <>
constexpr bool kIsFnuz<Float8E4M3FNUZ> = true;

// FNUZ's exponent bias is 8 where FN's is 7: its code of x is FN's code of 2x. Where hardware has
// FN alone, the doubling is done once, to the group's factor.
template <typename Format>
constexpr bool kEncodesAsDouble = kIsFnuz<Format> && kConvertsE4M3FN && !kConvertsE4M3FNUZ;

// Whether `encode_four` gives a NaN's code; where it does not, a group with one takes another path.
template <typename Format>
constexpr bool kEncodesNan = false;
template <>
constexpr bool kEncodesNan<Float8E4M3FN> = kConvertsE4M3FN && kConversionKeepsNan;
template <>
constexpr bool kEncodesNan<Float8E5M2> = kConvertsE5M2 && kConversionKeepsNan;
template <>
constexpr bool kEncodesNan<Unquantised> = true;

// A quotient that the format can hold. By some rules none is larger.
template <typename Format, bool kMayExceed>
OPPARITY_FUNCTION Number limited(Number quotient) {
  if constexpr (!kMayExceed) return quotient;
  return at_least(at_most(quotient, Format::kMaximum), Format::kLowest);
}

template <typename Format, bool kMayExceed>
OPPARITY_FUNCTION uint32_t four_by_integers(const Number (&quotients)[4]) {
  uint32_t codes[4];
#pragma unroll
  for (int i = 0; i < 4; ++i) {
    codes[i] = Format::encode_inside(limited<Format, kMayExceed>(quotients[i]));
  }
  return bytes_of_words(codes[0], codes[1], codes[2], codes[3]);
}

// Four codes of four bits, as contract/small_float.h has them, less what can be done for four at
// once: with masks for each this took 46.8 us at 4096 x 7168 on an H200.
template <bool kMayExceed>
OPPARITY_FUNCTION uint32_t four_nibbles(const Number (&quotients)[4]) {
  constexpr int kDropped = 22;
  constexpr uint32_t kOne = 0x3f800000u;
  uint32_t word = 0u - (kOne >> kDropped) * 0x1111u;
#pragma unroll
  for (int i = 0; i < 4; ++i) {
    const Number size = magnitude(quotients[i]);
    const Number inside = kMayExceed ? at_most(size, Float4E2M1::kMaximum) : size;
    const Number power = number_of(larger(bits_of(inside) & kInfinityBits, kOne));
    const uint32_t sum = bits_of(fused_multiply_add(inside, 0x1p-22f, power));
    word += ((sum >> kDropped) + sum) << (4 * i);
    word += (bits_of(quotients[i]) >> 31) << (4 * i + 3);
  }
  return word & 0xffffu;
}

// The codes of four quotients, the first in the lowest bits.
template <typename Format, bool kMayExceed>
struct Encoder {
  OPPARITY_MEMBER uint32_t four(const Number (&quotients)[4]) {
    return four_by_integers<Format, kMayExceed>(quotients);
  }
};
template <bool kMayExceed>
struct Encoder<Float4E2M1, kMayExceed> {
  OPPARITY_MEMBER uint32_t four(const Number (&quotients)[4]) {
    return four_nibbles<kMayExceed>(quotients);
  }
};
template <bool kMayExceed>
struct Encoder<Float8E4M3FN, kMayExceed> {
  OPPARITY_MEMBER uint32_t four(const Number (&quotients)[4]) {
    if constexpr (kConvertsE4M3FN) return convert_to_e4m3(quotients, Float8E4M3FN::kMaximum);
    return four_by_integers<Float8E4M3FN, kMayExceed>(quotients);
  }
};
template <bool kMayExceed>
struct Encoder<Float8E5M2, kMayExceed> {
  OPPARITY_MEMBER uint32_t four(const Number (&quotients)[4]) {
    if constexpr (kConvertsE5M2) return convert_to_e5m2(quotients, Float8E5M2::kMaximum);
    return four_by_integers<Float8E5M2, kMayExceed>(quotients);
  }
};
template <bool kMayExceed>
struct Encoder<Float8E4M3FNUZ, kMayExceed> {
  OPPARITY_MEMBER uint32_t four(const Number (&quotients)[4]) {
    if constexpr (kEncodesAsDouble<Float8E4M3FNUZ>) {
      const uint32_t codes = convert_to_e4m3(quotients, Float8E4M3FN::kMaximum);
      // A zero has no sign: clear the top bit of each byte whose other bits are all zero.
      const uint32_t others = (codes & 0x7f7f7f7fu) + 0x7f7f7f7fu;
      return codes & (others | 0x7f7f7f7fu);
    }
    if constexpr (kConvertsE4M3FNUZ) return convert_to_e4m3(quotients, Float8E4M3FNUZ::kMaximum);
    return four_by_integers<Float8E4M3FNUZ, kMayExceed>(quotients);
  }
};

// The contract's code of each, whatever it is.
template <typename Format, int kElements>
OPPARITY_FUNCTION void encode_any(const Number (&products)[kElements], Number factor,
                                  uint32_t (&codes)[kCodeWords<Format, kElements>]) {
  constexpr int kPerWord = 32 / Format::kBits;
#pragma unroll
  for (int word = 0; word < kCodeWords<Format, kElements>; ++word) codes[word] = 0;
#pragma unroll
  for (int i = 0; i < kElements; ++i) {
    const uint32_t code = Format::encode(products[i] * factor) & ((1u << Format::kBits) - 1);
    codes[i / kPerWord] |= code << (Format::kBits * (i % kPerWord));
  }
}

// The codes of a thread's products. `amax` has the bits of the largest magnitude among them at
// least.
template <typename Format, bool kMayExceed, int kElements>
OPPARITY_FUNCTION void encode_all(const Number (&products)[kElements], Number factor, uint32_t amax,
                                  uint32_t (&codes)[kCodeWords<Format, kElements>]) {
  if constexpr (!kEncodesNan<Format>) {
    // An infinity or NaN among the products, or a factor that is one.
    if (larger(amax, bits_of(factor) & kMagnitudeBits) >= kInfinityBits) {
      encode_any<Format>(products, factor, codes);
      return;
    }
  }
  if constexpr (kEncodesAsDouble<Format>) factor = factor * 2.0f;
#pragma unroll
  for (int i = 0; i < kElements; i += 4) {
    const Number quotients[4] = {products[i] * factor, products[i + 1] * factor,
                                 products[i + 2] * factor, products[i + 3] * factor};
    const uint32_t four = Encoder<Format, kMayExceed>::four(quotients);
    if constexpr (Format::kBits == 8) {
      codes[i / 4] = four;
    } else if (i % 8 == 0) {
      codes[i / 8] = four;
    } else {
      codes[i / 8] |= four << 16;
    }
  }
}

}  // namespace
