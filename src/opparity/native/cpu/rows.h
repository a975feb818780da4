// Where a producer finds a piece's elements, in halves or in turns, and the end of a row.
#pragma once

#include "native/cpu/chunk.h"
#include "native/cpu/tile.h"

namespace {

using opparity::Call;
using opparity::OPPARITY_CAPABILITY::Piece;

// At 512 x 14336 bfloat16 on one core this took 4.1 ms instead of 5.0 (Xeon with AVX-512): the
// processor's own prefetching ends with the page.
constexpr int64_t kBytesAhead = 2048;
constexpr int64_t kCacheLine = 64;

OPPARITY_FUNCTION void prefetch(const void* address, int64_t bytes) {
  const auto begin = reinterpret_cast<uintptr_t>(address) + kBytesAhead;
  for (int64_t offset = 0; offset < bytes; offset += kCacheLine) {
    __builtin_prefetch(reinterpret_cast<const void*>(begin + static_cast<uintptr_t>(offset)));
  }
}

// Where gates and ups of a piece are.
template <typename Storage>
struct Streams {
  Storage* gate;
  Storage* up;
};

// From a chunk to the next one.
template <bool Alternate>
constexpr int64_t kStep = Alternate ? 2 * kChunk : kChunk;

template <typename Storage, bool Alternate>
OPPARITY_FUNCTION Streams<Storage> streams(const void* base, int64_t row_bytes, const Call& call,
                                           const Piece& piece) {
  auto* row = reinterpret_cast<Storage*>(reinterpret_cast<uintptr_t>(base) +
                                         static_cast<uintptr_t>(piece.token * row_bytes));
  Storage* gate = row + piece.first_element * (Alternate ? 2 : 1);
  return {gate, gate + (Alternate ? 1 : call.hidden_size)};
}

// The elements of a row's end that fill no chunk, with zeros behind them.
template <typename Storage, bool IsGated, bool Alternate>
struct Rest {
  Storage gate[2 * kChunk] = {};
  Storage up[kChunk] = {};

  OPPARITY_MEMBER Rest load(const Streams<const Storage>& from, int64_t elements) {
    Rest rest;
    const auto bytes = static_cast<size_t>(elements) * sizeof(Storage);
    std::memcpy(rest.gate, from.gate, Alternate ? 2 * bytes : bytes);
    if constexpr (IsGated && !Alternate) std::memcpy(rest.up, from.up, bytes);
    return rest;
  }
};

}  // namespace
