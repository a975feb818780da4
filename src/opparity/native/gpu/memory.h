// Loads and stores of the GPU kernel, and the number types that it reads and writes.
//
// Nothing is marked for early eviction: with evict-first loads (ld.global.cs) the kernel took 1.045
// times the speed-of-light kernel's time instead of 0.998 (16384 x 7168, H100).
#pragma once

namespace {

struct alignas(16) FourWords {
  uint32_t x, y, z, w;
};
struct alignas(8) TwoWords {
  uint32_t x, y;
};

// In the widest loads that there are for so many words, whose address is a multiple of their size.
template <int kWords>
OPPARITY_FUNCTION void load_words(uint32_t (&words)[kWords], const char* address) {
  if constexpr (kWords % 4 == 0) {
#pragma unroll
    for (int i = 0; i < kWords; i += 4) {
      const FourWords part = reinterpret_cast<const FourWords*>(address)[i / 4];
      words[i] = part.x, words[i + 1] = part.y, words[i + 2] = part.z, words[i + 3] = part.w;
    }
  } else if constexpr (kWords % 2 == 0) {
#pragma unroll
    for (int i = 0; i < kWords; i += 2) {
      const TwoWords part = reinterpret_cast<const TwoWords*>(address)[i / 2];
      words[i] = part.x, words[i + 1] = part.y;
    }
  } else {
#pragma unroll
    for (int i = 0; i < kWords; ++i) words[i] = reinterpret_cast<const uint32_t*>(address)[i];
  }
}

template <int kWords>
OPPARITY_FUNCTION void store_words(char* address, const uint32_t (&words)[kWords]) {
  if constexpr (kWords % 4 == 0) {
#pragma unroll
    for (int i = 0; i < kWords; i += 4) {
      reinterpret_cast<FourWords*>(address)[i / 4] =
          FourWords{words[i], words[i + 1], words[i + 2], words[i + 3]};
    }
  } else if constexpr (kWords % 2 == 0) {
#pragma unroll
    for (int i = 0; i < kWords; i += 2) {
      reinterpret_cast<TwoWords*>(address)[i / 2] = TwoWords{words[i], words[i + 1]};
    }
  } else {
#pragma unroll
    for (int i = 0; i < kWords; ++i) reinterpret_cast<uint32_t*>(address)[i] = words[i];
  }
}

// The codes of a whole piece: `kBytes` of them, which may be half a word.
template <int64_t kBytes, int kWords>
OPPARITY_FUNCTION void store_piece(char* address, const uint32_t (&words)[kWords]) {
  if constexpr (kBytes == 2) {
    *reinterpret_cast<uint16_t*>(address) = static_cast<uint16_t>(words[0]);
  } else {
    store_words(address, words);
  }
}

// The first `count` bytes, one by one.
template <int kWords>
OPPARITY_FUNCTION void store_bytes(char* address, const uint32_t (&words)[kWords], uint32_t count) {
#pragma unroll
  for (int i = 0; i < 4 * kWords; ++i) {
    if (static_cast<uint32_t>(i) < count) {
      reinterpret_cast<uint8_t*>(address)[i] = static_cast<uint8_t>(words[i / 4] >> (8 * (i % 4)));
    }
  }
}

// 16-bit numbers; `Conversion` widens one, rounds two, the first into the low half of a word, and
// makes the NaN of its own rounding the canonical one, for numbers that are written.
template <typename Conversion>
struct SixteenBits {
  static constexpr int kBytes = 2;
  // Whether the chip has instructions for two at once.
  static constexpr bool kWorksOnPairs = requires { Conversion::multiply(uint32_t{}, uint32_t{}); };

  template <int kWords, int kCount>
  OPPARITY_MEMBER void widen(const uint32_t (&words)[kWords], Number (&elements)[kCount]) {
#pragma unroll
    for (int i = 0; i < kWords; ++i) {
      elements[2 * i] = Conversion::low(words[i]);
      elements[2 * i + 1] = Conversion::high(words[i]);
    }
  }
  template <int kWords, int kCount>
  OPPARITY_MEMBER void narrow(const Number (&elements)[kCount], uint32_t (&words)[kWords]) {
#pragma unroll
    for (int i = 0; i < kWords; ++i) {
      words[i] = Conversion::canonical(Conversion::pack(elements[2 * i], elements[2 * i + 1]));
    }
  }
  OPPARITY_MEMBER Number low(uint32_t word) { return Conversion::low(word); }
  OPPARITY_MEMBER Number high(uint32_t word) { return Conversion::high(word); }
  // In the registers' own way: NaN is what the rounding makes.
  template <int kWords, int kCount>
  OPPARITY_MEMBER void pack(const Number (&elements)[kCount], uint32_t (&words)[kWords]) {
#pragma unroll
    for (int i = 0; i < kWords; ++i) {
      words[i] = Conversion::pack(elements[2 * i], elements[2 * i + 1]);
    }
  }
  template <int kWords>
  OPPARITY_MEMBER void canonical(const uint32_t (&words)[kWords], uint32_t (&written)[kWords]) {
#pragma unroll
    for (int i = 0; i < kWords; ++i) written[i] = Conversion::canonical(words[i]);
  }
  // Rounded products.
  template <int kWords>
  OPPARITY_MEMBER void multiply(uint32_t (&words)[kWords], const uint32_t (&factors)[kWords]) {
#pragma unroll
    for (int i = 0; i < kWords; ++i) {
      if constexpr (kWorksOnPairs) {
        words[i] = Conversion::multiply(words[i], factors[i]);
      } else {
        words[i] = Conversion::pack(Conversion::low(words[i]) * Conversion::low(factors[i]),
                                    Conversion::high(words[i]) * Conversion::high(factors[i]));
      }
    }
  }
  // Zeros without a sign, as they are once a zero was added.
  template <int kWords>
  OPPARITY_MEMBER void make_zeros_positive(uint32_t (&words)[kWords]) {
#pragma unroll
    for (int i = 0; i < kWords; ++i) {
      if constexpr (kWorksOnPairs) {
        words[i] = Conversion::add(words[i], 0);
      } else {
        words[i] =
            Conversion::pack(Conversion::low(words[i]) + 0.0f, Conversion::high(words[i]) + 0.0f);
      }
    }
  }
  // The larger magnitudes of each place; NaN's are above infinity's.
  OPPARITY_MEMBER uint32_t magnitudes(uint32_t word) { return word & 0x7fff7fffu; }
  OPPARITY_MEMBER uint32_t larger_magnitudes(uint32_t a, uint32_t b) {
    if constexpr (kWorksOnPairs) {
      return Conversion::larger_integers(a, b);
    } else {
      return larger(a & 0xffff0000u, b & 0xffff0000u) | larger(a & 0xffffu, b & 0xffffu);
    }
  }
  template <int kWords>
  OPPARITY_MEMBER Number largest(const uint32_t (&words)[kWords]) {
    uint32_t pair = 0;
#pragma unroll
    for (int i = 0; i < kWords; ++i) pair = larger_magnitudes(pair, magnitudes(words[i]));
    return Conversion::low(larger(pair & 0xffffu, pair >> 16));
  }
  OPPARITY_MEMBER void round(Number& a, Number& b) {
    const uint32_t pair = Conversion::pack(a, b);
    a = Conversion::low(pair);
    b = Conversion::high(pair);
  }
  OPPARITY_MEMBER Number load_one(const char* address, int index) {
    return Conversion::low(reinterpret_cast<const uint16_t*>(address)[index]);
  }
  OPPARITY_MEMBER void store_one(char* address, int index, Number element) {
    reinterpret_cast<uint16_t*>(address)[index] =
        static_cast<uint16_t>(Conversion::canonical(Conversion::pack(element, 0.0f)));
  }
};

using Float16 = SixteenBits<Float16Conversion>;
using BFloat16 = SixteenBits<BFloat16Conversion>;

struct Float32 {
  static constexpr int kBytes = 4;

  template <int kCount>
  OPPARITY_MEMBER void widen(const uint32_t (&words)[kCount], Number (&elements)[kCount]) {
#pragma unroll
    for (int i = 0; i < kCount; ++i) elements[i] = number_of(words[i]);
  }
  template <int kCount>
  OPPARITY_MEMBER void narrow(const Number (&elements)[kCount], uint32_t (&words)[kCount]) {
#pragma unroll
    for (int i = 0; i < kCount; ++i) words[i] = canonical_bits(elements[i]);
  }
  template <int kCount>
  OPPARITY_MEMBER void pack(const Number (&elements)[kCount], uint32_t (&words)[kCount]) {
#pragma unroll
    for (int i = 0; i < kCount; ++i) words[i] = bits_of(elements[i]);
  }
  template <int kCount>
  OPPARITY_MEMBER void canonical(const uint32_t (&words)[kCount], uint32_t (&written)[kCount]) {
#pragma unroll
    for (int i = 0; i < kCount; ++i) written[i] = canonical_bits(number_of(words[i]));
  }
  OPPARITY_MEMBER uint32_t magnitudes(uint32_t word) { return word & kMagnitudeBits; }
  OPPARITY_MEMBER uint32_t larger_magnitudes(uint32_t a, uint32_t b) { return larger(a, b); }
  OPPARITY_MEMBER void round(Number&, Number&) {}
  OPPARITY_MEMBER Number load_one(const char* address, int index) {
    return reinterpret_cast<const float*>(address)[index];
  }
  OPPARITY_MEMBER void store_one(char* address, int index, Number element) {
    reinterpret_cast<uint32_t*>(address)[index] = canonical_bits(element);
  }

 private:
  OPPARITY_MEMBER uint32_t canonical_bits(Number element) {
    return element == element ? bits_of(element) : kQuietNanBits;
  }
};

}  // namespace
