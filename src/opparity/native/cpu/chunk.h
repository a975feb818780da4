// Sixteen neighbours of a row, the least that a group has: how they come from memory and go there.
#pragma once

#include "native/contract/rounding.h"

namespace {

constexpr int kChunk = 16;
constexpr int kParts = kChunk / kLanes;

struct Chunk {
  Number part[kParts];
};
struct BitsChunk {
  Bits part[kParts];
};
struct ChunkPair {
  Chunk first, second;
};

// As wide as a vector's lanes, and as sixteen.
typedef uint16_t Halves __attribute__((vector_size(2 * kLanes)));
typedef uint8_t SixteenBytes __attribute__((vector_size(16)));
typedef uint8_t EightBytes __attribute__((vector_size(8)));
typedef uint16_t EightWords __attribute__((vector_size(16)));

OPPARITY_FUNCTION Number widen_float16(Halves halves) {
#if defined(__AVX512F__)
  return (Number)_mm512_maskz_cvtph_ps(-1, (__m256i)halves);
#elif defined(__AVX2__)
  return (Number)_mm256_cvtph_ps((__m128i)halves);
#elif defined(__ARM_NEON)
  return (Number)vcvt_f32_f16((float16x4_t)halves);
#else
  // Exact for subnormals too: a multiplication moves the exponent's bias.
  const Bits bits = __builtin_convertvector(halves, Bits);
  const Bits size = (bits & 0x7fffu) << 13;
  Bits wide = bits_of(number_of(size) * 0x1p112f);
  wide = size >= all_bits(0x7c00u << 13) ? size | kInfinityBits : wide;
  return number_of(wide | ((bits & 0x8000u) << 16));
#endif
}

// The nearest float16's pattern; NaN's may keep its sign and some digits.
OPPARITY_FUNCTION Halves narrow_to_float16(Number value) {
#if defined(__AVX512F__)
  return (Halves)_mm512_maskz_cvtps_ph(-1, (__m512)value, _MM_FROUND_TO_NEAREST_INT);
#elif defined(__AVX2__)
  return (Halves)_mm256_cvtps_ph((__m256)value, _MM_FROUND_TO_NEAREST_INT);
#elif defined(__ARM_NEON)
  return (Halves)vcvt_f16_f32((float32x4_t)value);
#else
  return __builtin_convertvector(float16_pattern(float16_by_integers(value)), Halves);
#endif
}

// What is written where a number is NaN: always the same.
OPPARITY_FUNCTION Number with_canonical_nan(Number value) {
  return value == value ? value : number_of(all_bits(kQuietNanBits));
}

// Widens the even and the odd ones of twice as many neighbours.
struct EvenAndOdd {
  Number even, odd;
};

struct Float16 {
  using Storage = uint16_t;
  OPPARITY_MEMBER Number widen(const Storage* from) { return widen_float16(load<Halves>(from)); }
  OPPARITY_MEMBER EvenAndOdd widen_alternating(const Storage* from) {
    const Bits both = load<Bits>(from);
    return {widen_float16(__builtin_convertvector(both & 0xffffu, Halves)),
            widen_float16(__builtin_convertvector(both >> 16, Halves))};
  }
  OPPARITY_MEMBER Number round(Number value) { return widen_float16(narrow_to_float16(value)); }
  OPPARITY_MEMBER Halves pattern(Number value) {
    return narrow_to_float16(with_canonical_nan(value));
  }
  OPPARITY_MEMBER void narrow(Storage* to, Number value) { store(to, pattern(value)); }
  OPPARITY_MEMBER void narrow_alternating(Storage* to, Number even, Number odd) {
    const Bits low = __builtin_convertvector(pattern(even), Bits);
    store(to, low | (__builtin_convertvector(pattern(odd), Bits) << 16));
  }
};

struct BFloat16 {
  using Storage = uint16_t;
  OPPARITY_MEMBER Number widen(const Storage* from) {
    return number_of(__builtin_convertvector(load<Halves>(from), Bits) << 16);
  }
  OPPARITY_MEMBER EvenAndOdd widen_alternating(const Storage* from) {
    const Bits both = load<Bits>(from);
    return {number_of(both << 16), number_of(both & 0xffff0000u)};
  }
  OPPARITY_MEMBER Number round(Number value) { return bfloat16_by_integers(value); }
  OPPARITY_MEMBER void narrow(Storage* to, Number value) {
    store(to, __builtin_convertvector(bits_of(round(value)) >> 16, Halves));
  }
  OPPARITY_MEMBER void narrow_alternating(Storage* to, Number even, Number odd) {
    store(to, (bits_of(round(even)) >> 16) | bits_of(round(odd)));
  }
};

struct Float32 {
  using Storage = float;
  OPPARITY_MEMBER Number widen(const Storage* from) { return load<Number>(from); }
  OPPARITY_MEMBER EvenAndOdd widen_alternating(const Storage* from) {
    const Number first = load<Number>(from), second = load<Number>(from + kLanes);
    Bits even;
    for (int lane = 0; lane < kLanes; ++lane) even[lane] = static_cast<uint32_t>(2 * lane);
    return {__builtin_shuffle(first, second, even), __builtin_shuffle(first, second, even + 1)};
  }
  OPPARITY_MEMBER Number round(Number value) { return value; }
  OPPARITY_MEMBER void narrow(Storage* to, Number value) { store(to, with_canonical_nan(value)); }
  OPPARITY_MEMBER void narrow_alternating(Storage* to, Number even, Number odd) {
    Bits turns;
    for (int lane = 0; lane < kLanes; ++lane) {
      turns[lane] = static_cast<uint32_t>(lane / 2 + (lane % 2) * kLanes);
    }
    const Number low = __builtin_shuffle(even, odd, turns);
    const Number high = __builtin_shuffle(even, odd, turns + kLanes / 2);
    store(to, with_canonical_nan(low));
    store(to + kLanes, with_canonical_nan(high));
  }
};

template <typename Type>
OPPARITY_FUNCTION Chunk load_chunk(const typename Type::Storage* from) {
  Chunk chunk;
  for (int i = 0; i < kParts; ++i) chunk.part[i] = Type::widen(from + i * kLanes);
  return chunk;
}

// From `first`, and from `second` or, where they alternate, from behind each of the first.
template <typename Type, bool Alternate>
OPPARITY_FUNCTION ChunkPair load_pair(const typename Type::Storage* first,
                                      const typename Type::Storage* second) {
  if constexpr (!Alternate) return {load_chunk<Type>(first), load_chunk<Type>(second)};
  ChunkPair pair;
  for (int i = 0; i < kParts; ++i) {
    const EvenAndOdd both = Type::widen_alternating(first + 2 * i * kLanes);
    pair.first.part[i] = both.even;
    pair.second.part[i] = both.odd;
  }
  return pair;
}

template <typename Type>
OPPARITY_FUNCTION void store_chunk(typename Type::Storage* to, const Chunk& chunk) {
  for (int i = 0; i < kParts; ++i) Type::narrow(to + i * kLanes, chunk.part[i]);
}

template <typename Type, bool Alternate>
OPPARITY_FUNCTION void store_pair(typename Type::Storage* first, typename Type::Storage* second,
                                  const ChunkPair& pair) {
  if constexpr (Alternate) {
    for (int i = 0; i < kParts; ++i) {
      Type::narrow_alternating(first + 2 * i * kLanes, pair.first.part[i], pair.second.part[i]);
    }
  } else {
    store_chunk<Type>(first, pair.first);
    store_chunk<Type>(second, pair.second);
  }
}

// The low byte of each lane.
OPPARITY_FUNCTION SixteenBytes low_bytes(const BitsChunk& bits) {
#if defined(__AVX512F__)
  return (SixteenBytes)_mm512_maskz_cvtepi32_epi8(-1, (__m512i)bits.part[0]);
#elif defined(__AVX2__)
  const __m256i words =
      _mm256_packus_epi32((__m256i)(bits.part[0] & 0xffu), (__m256i)(bits.part[1] & 0xffu));
  // Packed within halves of the vector: the second and the third four are in each other's place.
  const __m128i bytes =
      _mm_packus_epi16(_mm256_castsi256_si128(words), _mm256_extracti128_si256(words, 1));
  return (SixteenBytes)_mm_shuffle_epi32(bytes, 0b11011000);
#elif defined(__SSE2__)
  __m128i part[4];
  for (int i = 0; i < 4; ++i) part[i] = (__m128i)(bits.part[i] & 0xffu);
  return (SixteenBytes)_mm_packus_epi16(_mm_packs_epi32(part[0], part[1]),
                                        _mm_packs_epi32(part[2], part[3]));
#else
  SixteenBytes bytes;
  for (int i = 0; i < kChunk; ++i) {
    bytes[i] = static_cast<uint8_t>(bits.part[i / kLanes][i % kLanes]);
  }
  return bytes;
#endif
}

// The low halves of bytes, two in one, the first in the lower bits.
OPPARITY_FUNCTION EightBytes pairs_of_halves(SixteenBytes bytes) {
  const EightWords words = (EightWords)bytes & 0x0f0f;
  const EightWords pairs = (words | (words >> 4)) & 0xff;
#if defined(__SSE2__)
  return (EightBytes)_mm_cvtsi128_si64(_mm_packus_epi16((__m128i)pairs, (__m128i)pairs));
#else
  return __builtin_convertvector(pairs, EightBytes);
#endif
}

OPPARITY_FUNCTION uint32_t largest_of(Bits values) {
  Bits lane;
  for (int i = 0; i < kLanes; ++i) lane[i] = static_cast<uint32_t>(i);
  for (uint32_t distance = kLanes / 2; distance > 0; distance /= 2) {
    values = larger(values, __builtin_shuffle(values, lane ^ distance));
  }
  return values[0];
}

OPPARITY_FUNCTION Number gather(const float* table, Bits indices) {
#if defined(__AVX512F__)
  return (Number)_mm512_mask_i32gather_ps(__m512{}, -1, (__m512i)indices, table, 4);
#else
  Number result;
  for (int lane = 0; lane < kLanes; ++lane) result[lane] = table[indices[lane]];
  return result;
#endif
}

}  // namespace
