// Two vectors of neighbours in a row: how they come from memory, go there, and become codes.
#pragma once

#include "native/contract/rounding.h"

namespace {

constexpr int kChunk = 2 * kLanes;

// One vector behind the other or, "in turns", the even neighbours and the odd ones: there bfloat16
// takes less work, 13 % of the whole at 512 x 14336 (AMD EPYC with AVX-512).
struct Chunk {
  Number first, second;
};

// As wide as a vector's lanes and as a chunk.
typedef uint16_t Halves __attribute__((vector_size(2 * kLanes)));
typedef uint16_t Words __attribute__((vector_size(4 * kLanes)));
typedef uint8_t Bytes __attribute__((vector_size(2 * kLanes)));
typedef uint16_t PairsOfBytes __attribute__((vector_size(2 * kLanes)));
typedef uint8_t HalfBytes __attribute__((vector_size(kLanes)));

// What GCC 12 makes of the conversion takes AVX-512 five instructions.
OPPARITY_FUNCTION Bits widen_halves(Halves halves) {
#if defined(__AVX512F__)
  return (Bits)_mm512_maskz_cvtepu16_epi32(-1, (__m256i)halves);
#elif defined(__AVX2__)
  return (Bits)_mm256_cvtepu16_epi32((__m128i)halves);
#else
  return __builtin_convertvector(halves, Bits);
#endif
}

OPPARITY_FUNCTION Halves low_halves(Bits bits) {
#if defined(__AVX512F__)
  return (Halves)_mm512_maskz_cvtepi32_epi16(-1, (__m512i)bits);
#else
  return __builtin_convertvector(bits, Halves);
#endif
}

OPPARITY_FUNCTION Number widen_float16(Halves halves) {
#if defined(__AVX512F__)
  return (Number)_mm512_maskz_cvtph_ps(-1, (__m256i)halves);
#elif defined(__AVX2__)
  return (Number)_mm256_cvtph_ps((__m128i)halves);
#elif defined(__ARM_NEON)
  return (Number)vcvt_f32_f16((float16x4_t)halves);
#else
  // Exact for subnormals too: a multiplication moves the exponent's bias.
  const Bits bits = widen_halves(halves);
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
  return low_halves(float16_pattern(float16_by_integers(value)));
#endif
}

// What is written where a number is NaN: always the same.
OPPARITY_FUNCTION Number with_canonical_nan(Number value) {
  return value == value ? value : number_of(all_bits(kQuietNanBits));
}

// The even and the odd ones of two vectors, and the other way round.
OPPARITY_FUNCTION Chunk in_turns(const Chunk& chunk) {
  return {shuffled<[](int lane) { return 2 * lane; }>(chunk.first, chunk.second),
          shuffled<[](int lane) { return 2 * lane + 1; }>(chunk.first, chunk.second)};
}
OPPARITY_FUNCTION Chunk in_order(const Chunk& turns) {
  constexpr auto kFirst = [](int lane) { return lane / 2 + (lane % 2) * kLanes; };
  constexpr auto kSecond = [](int lane) { return (lane + kLanes) / 2 + (lane % 2) * kLanes; };
  return {shuffled<kFirst>(turns.first, turns.second),
          shuffled<kSecond>(turns.first, turns.second)};
}

// How a chunk comes from memory and goes there. `load` and `store` have it in turns where kInTurns
// says so, as that is less work there; `load_turns` and `store_turns` always.
struct Float16 {
  using Storage = uint16_t;
  static constexpr bool kInTurns = false;

  OPPARITY_MEMBER Chunk load(const Storage* from) {
    return {widen_float16(::load<Halves>(from)), widen_float16(::load<Halves>(from + kLanes))};
  }
  OPPARITY_MEMBER Chunk load_turns(const Storage* from) {
    const Bits both = ::load<Bits>(from);
    return {widen_float16(low_halves(both)), widen_float16(low_halves(both >> 16))};
  }
  OPPARITY_MEMBER Number round(Number value) { return widen_float16(narrow_to_float16(value)); }
  OPPARITY_MEMBER Halves pattern(Number value) {
    return narrow_to_float16(with_canonical_nan(value));
  }
  OPPARITY_MEMBER void store(Storage* to, const Chunk& chunk) {
    ::store(to, pattern(chunk.first));
    ::store(to + kLanes, pattern(chunk.second));
  }
  OPPARITY_MEMBER void store_turns(Storage* to, const Chunk& turns) {
    const Bits odd = widen_halves(pattern(turns.second)) << 16;
    ::store(to, widen_halves(pattern(turns.first)) | odd);
  }
};

struct BFloat16 {
  using Storage = uint16_t;
  static constexpr bool kInTurns = true;

  OPPARITY_MEMBER Chunk load_turns(const Storage* from) {
    const Bits both = ::load<Bits>(from);
    return {number_of(both << 16), number_of(both & 0xffff0000u)};
  }
  OPPARITY_MEMBER Chunk load(const Storage* from) { return load_turns(from); }
  OPPARITY_MEMBER Number round(Number value) { return bfloat16_by_integers(value); }
  OPPARITY_MEMBER void store_turns(Storage* to, const Chunk& turns) {
    ::store(to, (bits_of(round(turns.first)) >> 16) | bits_of(round(turns.second)));
  }
  OPPARITY_MEMBER void store(Storage* to, const Chunk& chunk) { store_turns(to, chunk); }
};

struct Float32 {
  using Storage = float;
  static constexpr bool kInTurns = false;

  OPPARITY_MEMBER Chunk load(const Storage* from) {
    return {::load<Number>(from), ::load<Number>(from + kLanes)};
  }
  OPPARITY_MEMBER Chunk load_turns(const Storage* from) { return in_turns(load(from)); }
  OPPARITY_MEMBER Number round(Number value) { return value; }
  OPPARITY_MEMBER void store(Storage* to, const Chunk& chunk) {
    ::store(to, with_canonical_nan(chunk.first));
    ::store(to + kLanes, with_canonical_nan(chunk.second));
  }
  OPPARITY_MEMBER void store_turns(Storage* to, const Chunk& turns) { store(to, in_order(turns)); }
};

// A chunk in turns or in order, whatever is less work.
template <typename Type, bool InTurns>
OPPARITY_FUNCTION Chunk load_chunk(const typename Type::Storage* from) {
  if constexpr (InTurns) return Type::load_turns(from);
  if constexpr (Type::kInTurns) return in_order(Type::load_turns(from));
  return Type::load(from);
}
template <typename Type, bool InTurns>
OPPARITY_FUNCTION void store_chunk(typename Type::Storage* to, const Chunk& chunk) {
  if constexpr (InTurns) {
    Type::store_turns(to, chunk);
  } else if constexpr (Type::kInTurns) {
    Type::store_turns(to, in_turns(chunk));
  } else {
    Type::store(to, chunk);
  }
}

// The low words of two vectors: in turns, or, where one instruction has them so, in order.
#if defined(__AVX512F__)
constexpr bool kOrdersWords = true;
#else
constexpr bool kOrdersWords = false;
#endif

template <bool InTurns>
OPPARITY_FUNCTION Bits low_words(Bits first, Bits second) {
#if defined(__AVX512F__)
  if constexpr (!InTurns) {
    Words order;
    for (int i = 0; i < kChunk; ++i) order[i] = static_cast<uint16_t>(2 * i);
    return (Bits)_mm512_permutex2var_epi16((__m512i)first, (__m512i)order, (__m512i)second);
  }
#elif defined(__AVX2__)
  return (Bits)_mm256_blend_epi16((__m256i)first, (__m256i)(second << 16), 0xaa);
#endif
  return (first & 0xffffu) | (second << 16);
}

// The low bytes of the words that `low_words` gives, in order.
template <bool InTurns>
OPPARITY_FUNCTION Bytes low_bytes(Bits words) {
#if defined(__AVX512F__)
  const Bytes bytes = (Bytes)_mm512_maskz_cvtepi16_epi8(-1, (__m512i)words);
#else
  const Bytes bytes = __builtin_convertvector((Words)words, Bytes);
#endif
  if constexpr (InTurns || kOrdersWords) return bytes;
  return shuffled<[](int i) { return 2 * i - (i < kLanes ? 0 : kChunk - 1); }>(bytes);
}

// The low halves of bytes, two in one, the first in the lower bits.
OPPARITY_FUNCTION HalfBytes pairs_of_halves(Bytes bytes) {
  const PairsOfBytes pairs = (PairsOfBytes)bytes & 0x0f0f;
  return __builtin_convertvector((pairs | (pairs >> 4)) & 0xff, HalfBytes);
}

// Makes the lanes behind so many elements of a chunk +0, and returns the magnitudes' bits, of each
// lane's two the larger. A producer may make NaN of the zeros behind a row, as zero times infinity.
template <bool InTurns>
OPPARITY_FUNCTION Bits clear_behind(float* products, int64_t elements) {
  constexpr int32_t kFirstStep = InTurns ? 2 : 1, kToSecond = InTurns ? 1 : kLanes;
  const auto count = static_cast<int32_t>(elements);
  Mask place;
  for (int lane = 0; lane < kLanes; ++lane) place[lane] = kFirstStep * lane;
  const Bits first = load<Bits>(products) & (Bits)(place < count);
  const Bits second = load<Bits>(products + kLanes) & (Bits)(place + kToSecond < count);
  store(products, first);
  store(products + kLanes, second);
  return larger(first & kMagnitudeBits, second & kMagnitudeBits);
}

template <int kDistance = kLanes / 2>
OPPARITY_FUNCTION uint32_t largest_of(Bits values) {
  values = larger(values, shuffled<[](int lane) { return lane ^ kDistance; }>(values));
  if constexpr (kDistance > 1) return largest_of<kDistance / 2>(values);
  return values[0];
}

}  // namespace
