// A producer's f, and an h that takes long, of bfloat16 numbers of usual size, in shared memory: a
// lookup in place of the arithmetic. Gate and up stand in halves. The table is filled by the same
// functions, so the bits are theirs. At 4096 x 7168 to float8_e4m3fn on an H200 GELU takes 36.6 us
// by it instead of 46.9.
#pragma once

#include "native/gpu/products.h"

namespace {

// Magnitudes from 2^-20 to below 2^12, 128 to a power of two. A thread with a number outside
// computes.
constexpr uint32_t kFirstMagnitude = 107u << 7;
constexpr uint32_t kMagnitudes = 4096;
template <typename Functor>
constexpr bool kTabulatesUp = requires { Functor::kUpIsOddAndTakesLong; };
// Of f for positive numbers, then negative ones; of h, whose sign is its number's, once.
template <typename Functor>
constexpr uint32_t kTableNumbers = (kTabulatesUp<Functor> ? 3 : 2) * kMagnitudes;

// A thread's elements as they lie in memory, two in a word.
struct PieceWords {
  uint32_t gate[kElements / 2];
  uint32_t up[kElements / 2];
};

OPPARITY_FUNCTION void load_words_of_input(const KernelArguments& arguments, const Place& place,
                                           PieceWords& words) {
  constexpr int64_t kPieceBytes = kElements * Input::kBytes;
  const uint32_t column = column_to_read(arguments, place);
  const char* gates = row_of_input(arguments, place) + column * kPieceBytes;
  load_words(words.gate, gates);
  if constexpr (kIsGated) {
    load_words(words.up, gates + static_cast<int64_t>(arguments.hidden_size) * Input::kBytes);
  }
}

template <typename Functor>
OPPARITY_FUNCTION void fill_table(const KernelArguments& arguments, Number* table) {
  for (uint32_t i = thread_index(); i < kTableNumbers<Functor>; i += arguments.threads) {
    const uint32_t bits = (kFirstMagnitude + i % kMagnitudes) << 16;
    const uint32_t part = i / kMagnitudes;
    Number pair[2] = {number_of(part == 1 ? bits | kSignBit : bits), 0.0f};
    if (part < 2) {
      gates_of<Functor>(arguments, pair);
    } else {
      ups_of<Functor>(arguments, pair);
    }
    table[i] = pair[0];
  }
}

// Of two numbers how far they are behind the first in the table; where one is not in it, one of the
// high four bits of a half is set.
OPPARITY_FUNCTION uint32_t offsets_of(uint32_t word) {
  return (word & 0x7fff7fffu) - kFirstMagnitude * 0x10001u;
}
constexpr uint32_t kOutside = (0xffffu & ~(kMagnitudes - 1)) * 0x10001u;

template <typename Functor>
OPPARITY_FUNCTION uint32_t produce_by_table(const KernelArguments& arguments, const Place& place,
                                            const Number* table, const PieceWords& words,
                                            Number (&products)[kElements]) {
  uint32_t gates[kElements / 2], ups[kElements / 2];
  uint32_t seen = 0;
#pragma unroll
  for (int i = 0; i < kElements / 2; ++i) {
    gates[i] = offsets_of(words.gate[i]);
    seen |= gates[i];
    if constexpr (kTabulatesUp<Functor>) {
      ups[i] = offsets_of(words.up[i]);
      seen |= ups[i];
    }
  }
  if ((seen & kOutside) != 0) {
    Elements elements;
    BFloat16::widen(words.gate, elements.gate);
    if constexpr (kIsGated) BFloat16::widen(words.up, elements.up);
    return produce<Functor>(arguments, place, elements, products);
  }
  return multiply(
      arguments, place,
      [&](int i, Number(&pair)[2]) {
        // The sign, further down, says which half.
        const uint32_t word = words.gate[i / 2];
        const uint32_t places = gates[i / 2] | ((word >> 3) & (kMagnitudes * 0x10001u));
        pair[0] = table[places & 0xffffu], pair[1] = table[places >> 16];
      },
      [&](int i, Number(&pair)[2]) {
        const uint32_t word = words.up[i / 2];
        if constexpr (kTabulatesUp<Functor>) {
          const Number* sizes = table + 2 * kMagnitudes;
          pair[0] = with_sign(sizes[ups[i / 2] & 0xffffu], word << 16);
          pair[1] = with_sign(sizes[ups[i / 2] >> 16], word);
        } else {
          pair[0] = BFloat16Conversion::low(word), pair[1] = BFloat16Conversion::high(word);
          ups_of<Functor>(arguments, pair);
        }
      },
      products);
}

}  // namespace
