// From a tile's products to codes and scales, for one value format.
#pragma once

#include "native/contract/scales.h"
#include "native/cpu/chunk.h"
#include "native/cpu/scale_place.h"
#include "native/cpu/tile.h"

namespace {

using opparity::Call;
using opparity::ScaleRule;
using opparity::OPPARITY_CAPABILITY::Piece;
using opparity::OPPARITY_CAPABILITY::Tile;

// The codes of a chunk, a byte for each, or half of one. Where there may be any quotients the
// factor gives them as they are, otherwise times the format's prescale.
template <typename Format, bool InTurns, bool Any>
OPPARITY_FUNCTION void encode_chunk(const float* products, float factor, uint8_t* out) {
  const Number first = load<Number>(products) * factor;
  const Number second = load<Number>(products + kLanes) * factor;
  const Bits words =
      Any ? low_words<InTurns>(Format::word(first), Format::word(second))
          : low_words<InTurns>(Format::word_inside(first), Format::word_inside(second));
  const Bytes bytes = low_bytes<InTurns>(Format::codes(words));
  if constexpr (Format::kBits == 8) {
    store(out, bytes);
  } else {
    store(out, pairs_of_halves(bytes));
  }
}

template <typename Format, bool InTurns, bool Any>
OPPARITY_FUNCTION void encode_unit(const float* products, float factor, int64_t elements,
                                   uint8_t* out) {
  constexpr int64_t kCodeBytes = kChunk * Format::kBits / 8;
  for (int64_t i = 0; i < elements / kChunk; ++i) {
    encode_chunk<Format, InTurns, Any>(products, factor, out);
    products += kChunk;
    out += kCodeBytes;
  }
  const int64_t last = elements % kChunk;
  if (last == 0) return;
  uint8_t rest[kCodeBytes];
  encode_chunk<Format, InTurns, Any>(products, factor, rest);
  std::memcpy(out, rest, static_cast<size_t>(last * Format::kBits / 8));
}

template <typename Format>
OPPARITY_FUNCTION ScaleSettings settings_of(const Call& call) {
  float bound = call.scale_bound != nullptr ? *call.scale_bound : __builtin_inff();
  if (call.bounds_amax) bound = bound / Format::kMaximum;
  return {.bound = bound,
          .least = call.least,
          .given = call.given_scale != nullptr ? *call.given_scale : 0.0f};
}

// Whether quotients of a finite group are within the format's range; rounding the scale down, or a
// bound, may leave them outside.
OPPARITY_FUNCTION bool keeps_the_range(const Call& call) {
  if (call.rule == ScaleRule::kAmax) return call.scale_bound == nullptr;
  return call.rule == ScaleRule::kCeil;
}

OPPARITY_FUNCTION void store_scales(const Call& call, const Piece& piece, int64_t groups,
                                    const Tile& tile) {
  // A copy, so that no store may change it: 1.2 % of the whole at 64 x 14336.
  const opparity::ScalePlace place = call.place;
  const int64_t first = call.is_by_token ? 0 : piece.first_element / call.group_size;
  const int64_t token = call.first_scale_token + piece.token;
  auto* scales = static_cast<char*>(call.scales);
  for (int64_t group = 0; group < groups; ++group) {
    char* to = scales + opparity::scale_offset(place, token, first + group);
    if (call.scale_is_byte) {
      *to = static_cast<char>(tile.codes[group]);
    } else {
      std::memcpy(to, &tile.scales[group], sizeof(float));
    }
  }
}

// Below it no format's prescale makes an infinity of a factor.
constexpr float kLargestPrescaled = 0x1p100f;

template <typename Format, bool InTurns>
void quantise(const Call& call, const Piece& piece, Tile& tile) {
  const int64_t unit_size = opparity::elements_of_a_unit(call);
  const int64_t units = (piece.elements + unit_size - 1) / unit_size;
  const ScaleSettings settings = settings_of<Format>(call);
  for (int64_t unit = 0; unit < units; unit += kLanes) {
    const GroupScale scale = scale_of<Format>(call.rule, load<Bits>(tile.amax + unit), settings);
    store(tile.scales + unit, scale.scale);
    store(tile.factors + unit, scale.factor);
    store(tile.codes + unit, scale.code);
  }
  if (call.group_size > 0) store_scales(call, piece, units, tile);
  // Each piece of the row has its scale; one stores it.
  if (call.is_by_token && piece.first_element == 0) store_scales(call, piece, 1, tile);
  const bool is_inside = keeps_the_range(call);
  const int64_t stride = opparity::OPPARITY_CAPABILITY::stride_of_a_unit(call);
  const float* products = tile.products;
  uint8_t* out = static_cast<uint8_t*>(call.values) + piece.token * call.values_row_bytes +
                 piece.first_element * Format::kBits / 8;
  for (int64_t unit = 0; unit < units; ++unit) {
    const int64_t elements = std::min(unit_size, piece.elements - unit * unit_size);
    const float factor = tile.factors[unit];
    if (is_inside && tile.amax[unit] < kInfinityBits && factor < kLargestPrescaled) {
      encode_unit<Format, InTurns, false>(products, factor * Format::kPrescale, elements, out);
    } else {
      encode_unit<Format, InTurns, true>(products, factor, elements, out);
    }
    products += stride;
    out += unit_size * Format::kBits / 8;
  }
}

// The products themselves, rounded to the input's dtype.
template <typename Type, bool InTurns>
void write_products(const Call& call, const Piece& piece, Tile& tile) {
  using Storage = typename Type::Storage;
  auto* out = reinterpret_cast<Storage*>(static_cast<char*>(call.values) +
                                         piece.token * call.values_row_bytes) +
              piece.first_element;
  const float* products = tile.products;
  for (int64_t i = 0; i < piece.elements / kChunk; ++i) {
    store_chunk<Type, InTurns>(out, Float32::load(products));
    products += kChunk;
    out += kChunk;
  }
  const int64_t last = piece.elements % kChunk;
  if (last == 0) return;
  Storage rest[kChunk];
  store_chunk<Type, InTurns>(rest, Float32::load(products));
  std::memcpy(out, rest, static_cast<size_t>(last) * sizeof(Storage));
}

}  // namespace
