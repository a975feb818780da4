// The CPU kernel, compiled for each capability: tiles of groups, small enough that their products
// stay in the first-level cache between the two passes over them.
#include "operators/silu_and_mul_per_block_quant/cpu_kernel.h"

#include <algorithm>
#include <limits>

#include "native/numerics.h"

namespace {

using opparity::silu_and_mul_per_block_quant::Arguments;
using opparity::silu_and_mul_per_block_quant::InputType;
using opparity::silu_and_mul_per_block_quant::ValueType;

// A chunk is what two vectors hold.
constexpr int64_t kChunk = 2 * kLanes;
constexpr int64_t kTile = 4096;
constexpr int64_t kLeastGroup = 16;
constexpr int64_t kMostGroups = kTile / kLeastGroup;
// At 512 x 14336 bfloat16 on one core this took 4.1 ms instead of 5.0 (Xeon with AVX-512): the
// processor's own prefetching ends with the page.
constexpr uintptr_t kBytesAhead = 2048;

struct Pair {
  Floats first, second;
};
struct IntegerPair {
  Integers first, second;
};

// How a chunk of the input becomes two vectors: one half after the other, or, where that is less
// work, every other element.
struct Float16 {
  using Storage = uint16_t;
  static constexpr bool kAlternates = false;
  OPPARITY_INLINE Pair widen(const Storage* from) {
    return {widen_float16(load<Halves>(from)), widen_float16(load<Halves>(from + kLanes))};
  }
  OPPARITY_INLINE IntegerPair patterns(const Storage* from) {
    return {__builtin_convertvector(load<Halves>(from), Integers),
            __builtin_convertvector(load<Halves>(from + kLanes), Integers)};
  }
  OPPARITY_INLINE Floats round(Floats value) { return round_to_float16(value); }
};
struct BFloat16 {
  using Storage = uint16_t;
  static constexpr bool kAlternates = true;
  OPPARITY_INLINE Pair widen(const Storage* from) {
    Integers both = load<Integers>(from);
    return {float_of(both << 16), float_of(both & ~0xffff)};
  }
  OPPARITY_INLINE IntegerPair patterns(const Storage* from) {
    Integers both = load<Integers>(from);
    return {both & 0xffff, shift_right_unsigned(both, 16)};
  }
  OPPARITY_INLINE Floats round(Floats value) { return round_to_bfloat16(value); }
};
struct Float32 {
  using Storage = float;
  static constexpr bool kAlternates = false;
  OPPARITY_INLINE Pair widen(const Storage* from) {
    return {load<Floats>(from), load<Floats>(from + kLanes)};
  }
  OPPARITY_INLINE Floats round(Floats value) { return value; }
};

struct Tile {
  Pair products[kTile / kChunk];
  // Whole vectors of groups are read, so all are set once.
  alignas(64) int32_t amax[kMostGroups] = {};
  alignas(64) float scales[kMostGroups];
  alignas(64) float factors[kMostGroups];
};

OPPARITY_INLINE void prefetch(const void* address) {
  __builtin_prefetch(
      reinterpret_cast<const void*>(reinterpret_cast<uintptr_t>(address) + kBytesAhead));
}

// SiLU of every 16-bit gate, made by the first call that looks one up.
template <typename Input>
const float* silu_table() {
  struct Table {
    float values[1 << 16];
    Table() {
      uint16_t gates[kChunk];
      for (int first = 0; first < 1 << 16; first += kChunk) {
        for (int i = 0; i < kChunk; ++i) gates[i] = static_cast<uint16_t>(first + i);
        const Pair gate = Input::widen(gates);
        const IntegerPair pattern = Input::patterns(gates);
        const Floats activated[] = {silu(gate.first), silu(gate.second)};
        for (int lane = 0; lane < kLanes; ++lane) {
          values[pattern.first[lane]] = activated[0][lane];
          values[pattern.second[lane]] = activated[1][lane];
        }
      }
    }
  };
  static const Table table;
  return table.values;
}

template <typename Input, bool LooksUp>
OPPARITY_INLINE Pair activate(const typename Input::Storage* gates,
                              [[maybe_unused]] const float* table) {
  if constexpr (LooksUp) {
    const IntegerPair pattern = Input::patterns(gates);
    return {gather(table, pattern.first), gather(table, pattern.second)};
  } else {
    const Pair gate = Input::widen(gates);
    return {silu(gate.first), silu(gate.second)};
  }
}

template <typename Input, bool Rounds>
OPPARITY_INLINE Floats multiply(Floats activated, Floats up) {
  if constexpr (Rounds) activated = Input::round(activated);
  Floats product = activated * up;
  if constexpr (Rounds) product = Input::round(product);
  return product;
}

// Writes SiLU(gate) * up of some groups and the bits of each group's largest magnitude. As integers
// the magnitudes of NaN are above infinity's, so a NaN is never lost to a comparison.
template <typename Input, bool Rounds, bool LooksUp>
void multiply_groups(const void* row, int64_t offset, const Arguments& arguments, int64_t groups,
                     Tile& tile) {
  const auto* gates = static_cast<const typename Input::Storage*>(row) + offset;
  const auto* ups = gates + arguments.hidden_size;
  const int64_t chunks = arguments.group_size / kChunk;
  const float* table = nullptr;
  if constexpr (LooksUp) table = silu_table<Input>();
  Pair* products = tile.products;
  for (int64_t group = 0; group < groups; ++group) {
    Integers amax{};
    for (int64_t chunk = 0; chunk < chunks; ++chunk) {
      prefetch(gates);
      prefetch(ups);
      const Pair activated = activate<Input, LooksUp>(gates, table), up = Input::widen(ups);
      const Floats first = multiply<Input, Rounds>(activated.first, up.first);
      const Floats second = multiply<Input, Rounds>(activated.second, up.second);
      amax = larger(amax, bits_of(first) & kMagnitudeBits);
      amax = larger(amax, bits_of(second) & kMagnitudeBits);
      *products++ = {first, second};
      gates += kChunk;
      ups += kChunk;
    }
    tile.amax[group] = largest_of(amax);
  }
}

template <typename Format, bool Alternates, bool Any>
OPPARITY_INLINE void encode_group(const Pair* products, float factor, int64_t group_size,
                                  uint8_t* out) {
  const int64_t chunks = group_size / kChunk;
  for (int64_t chunk = 0; chunk < chunks; ++chunk) {
    const Pair product = products[chunk];
    Bytes codes =
        low_bytes(Format::template encode<Any>(product.first * factor, product.second * factor));
    if constexpr (!Alternates) codes = even_then_odd(codes);
    store(out + chunk * kChunk, codes);
  }
}

// Writes codes and scales of some groups.
template <typename Format, bool Alternates>
void quantise_groups(Tile& tile, const Arguments& arguments, int64_t groups, uint8_t* out,
                     float* scales) {
  const float bound =
      arguments.has_scale_bound ? arguments.scale_bound : std::numeric_limits<float>::infinity();
  for (int64_t group = 0; group < groups; group += kLanes) {
    const Floats scale = group_scales<Format>(load<Integers>(tile.amax + group), bound);
    store(tile.scales + group, scale);
    store(tile.factors + group, (1.0f / scale) * Format::kPrescale);
  }
  const Pair* products = tile.products;
  for (int64_t group = 0; group < groups; ++group) {
    const float scale = tile.scales[group];
    // Without a bound no quotient is beyond the format's range.
    if (arguments.has_scale_bound || tile.amax[group] >= kInfinityBits) {
      encode_group<Format, Alternates, true>(products, tile.factors[group], arguments.group_size,
                                             out);
    } else {
      encode_group<Format, Alternates, false>(products, tile.factors[group], arguments.group_size,
                                              out);
    }
    scales[group * arguments.scale_group_stride] = scale;
    products += arguments.group_size / kChunk;
    out += arguments.group_size;
  }
}

using Multiply = void (*)(const void*, int64_t, const Arguments&, int64_t, Tile&);
using Quantise = void (*)(Tile&, const Arguments&, int64_t, uint8_t*, float*);

template <typename Input>
Multiply choose_multiply(bool rounds, bool looks_up) {
  if (looks_up) {
    return rounds ? multiply_groups<Input, true, true> : multiply_groups<Input, false, true>;
  }
  return rounds ? multiply_groups<Input, true, false> : multiply_groups<Input, false, false>;
}

Multiply choose_multiply(const Arguments& arguments) {
  const bool rounds = arguments.rounds_to_input_type, looks_up = arguments.looks_up_silu;
  switch (arguments.input_type) {
    case InputType::kFloat16:
      return choose_multiply<Float16>(rounds, looks_up);
    case InputType::kBFloat16:
      return choose_multiply<BFloat16>(rounds, looks_up);
    case InputType::kFloat32:
      break;
  }
  return multiply_groups<Float32, false, false>;
}

template <bool Alternates>
Quantise choose_quantise(ValueType type) {
  switch (type) {
    case ValueType::kFloat8E4M3FN:
      return quantise_groups<Float8E4M3FN, Alternates>;
    case ValueType::kFloat8E4M3FNUZ:
      return quantise_groups<Float8E4M3FNUZ, Alternates>;
    case ValueType::kInt8:
      break;
  }
  return quantise_groups<Int8, Alternates>;
}

}  // namespace

namespace opparity::silu_and_mul_per_block_quant {

void OPPARITY_CAPABILITY(const Arguments& arguments, int64_t begin, int64_t end) {
  const Multiply multiply = choose_multiply(arguments);
  const Quantise quantise = arguments.input_type == InputType::kBFloat16
                                ? choose_quantise<BFloat16::kAlternates>(arguments.value_type)
                                : choose_quantise<false>(arguments.value_type);
  const int64_t element_size = arguments.input_type == InputType::kFloat32 ? 4 : 2;
  const int64_t num_groups = arguments.hidden_size / arguments.group_size;
  const int64_t groups_of_a_tile = kTile / arguments.group_size;
  Tile tile;
  int64_t token = begin / num_groups;
  int64_t group = begin % num_groups;
  for (int64_t index = begin; index < end;) {
    const int64_t groups = std::min({groups_of_a_tile, num_groups - group, end - index});
    const char* row = static_cast<const char*>(arguments.input) +
                      token * arguments.input_row_stride * element_size;
    const int64_t offset = group * arguments.group_size;
    multiply(row, offset, arguments, groups, tile);
    quantise(tile, arguments, groups, arguments.out + token * arguments.out_row_stride + offset,
             arguments.scales + token * arguments.scale_token_stride +
                 group * arguments.scale_group_stride);
    index += groups;
    group += groups;
    if (group == num_groups) {
      group = 0;
      ++token;
    }
  }
}

}  // namespace opparity::silu_and_mul_per_block_quant
