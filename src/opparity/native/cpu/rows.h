// Where a producer finds a piece's gates and ups, in halves or interleaved, and the end of a row.
#pragma once

#include "native/cpu/chunk.h"
#include "native/cpu/tile.h"

namespace {

using opparity::Call;
using opparity::OPPARITY_CAPABILITY::Piece;

// At 512 x 14336 bfloat16 on one core this took 4.1 ms instead of 5.0 (Xeon with AVX-512): the
// processor's own prefetching ends with the page.
constexpr uintptr_t kBytesAhead = 2048;

OPPARITY_FUNCTION void prefetch(const void* address) {
  __builtin_prefetch(
      reinterpret_cast<const void*>(reinterpret_cast<uintptr_t>(address) + kBytesAhead));
}

// Where gates and ups of a piece are.
template <typename Storage>
struct Streams {
  Storage* gate;
  Storage* up;
};

// From a chunk to the next one.
template <bool Interleaved>
constexpr int64_t kStep = Interleaved ? 2 * kChunk : kChunk;

template <typename Storage, bool Interleaved>
OPPARITY_FUNCTION Streams<Storage> streams(const void* base, int64_t row_bytes, const Call& call,
                                           const Piece& piece) {
  auto* row = reinterpret_cast<Storage*>(reinterpret_cast<uintptr_t>(base) +
                                         static_cast<uintptr_t>(piece.token * row_bytes));
  Storage* gate = row + piece.first_element * (Interleaved ? 2 : 1);
  return {gate, gate + (Interleaved ? 1 : call.hidden_size)};
}

struct GatesAndUps {
  Chunk gates, ups;
};

template <typename Type, bool IsGated, bool Interleaved>
OPPARITY_FUNCTION GatesAndUps load_both(const typename Type::Storage* gates,
                                        const typename Type::Storage* ups) {
  if constexpr (!IsGated) {
    return {Type::load(gates), Chunk{}};
  } else if constexpr (Interleaved) {
    const Chunk first = Type::load_turns(gates), second = Type::load_turns(gates + kChunk);
    return {{first.first, second.first}, {first.second, second.second}};
  } else {
    return {Type::load(gates), Type::load(ups)};
  }
}

template <typename Type, bool IsGated, bool Interleaved>
OPPARITY_FUNCTION void store_both(typename Type::Storage* gates, typename Type::Storage* ups,
                                  const GatesAndUps& both) {
  if constexpr (Interleaved) {
    Type::store_turns(gates, {both.gates.first, both.ups.first});
    Type::store_turns(gates + kChunk, {both.gates.second, both.ups.second});
  } else {
    Type::store(gates, both.gates);
    if constexpr (IsGated) Type::store(ups, both.ups);
  }
}

// The elements of a unit's end that fill no chunk, with zeros behind them.
template <typename Storage, bool IsGated, bool Interleaved>
struct Rest {
  Storage gate[2 * kChunk] = {};
  Storage up[kChunk] = {};

  OPPARITY_MEMBER Rest load(const Streams<const Storage>& from, int64_t elements) {
    Rest rest;
    const auto bytes = static_cast<size_t>(elements) * sizeof(Storage);
    std::memcpy(rest.gate, from.gate, Interleaved ? 2 * bytes : bytes);
    if constexpr (IsGated && !Interleaved) std::memcpy(rest.up, from.up, bytes);
    return rest;
  }
};

}  // namespace
