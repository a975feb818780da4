// The int32 sums of a product of int8 matrices, as the numbers that they stand for:
// docs/numerics.md, section 14. They become the producer's input in its own dtype, in the
// first-level cache, so that producers know nothing of sums.
#pragma once

#include <cstring>

#include "native/cpu/chunk.h"
#include "native/cpu/rows.h"

namespace {

OPPARITY_FUNCTION Number scale_vector(const int32_t* sums, float of_row, const float* of_columns) {
  const Number numbers = __builtin_convertvector(load<Mask>(sums), Number);
  return (numbers * of_row) * load<Number>(of_columns);
}

// So many neighbours of a row.
template <typename Type>
OPPARITY_FUNCTION void scale_neighbours(const int32_t* sums, float of_row, const float* of_columns,
                                        int64_t count, typename Type::Storage* to) {
  const auto chunk = [&](const int32_t* from, const float* factors, typename Type::Storage* out) {
    store_chunk<Type, false>(out, {scale_vector(from, of_row, factors),
                                   scale_vector(from + kLanes, of_row, factors + kLanes)});
  };
  for (int64_t i = 0; i < count / kChunk; ++i) {
    prefetch(sums);
    prefetch(sums + kLanes);
    chunk(sums, of_columns, to);
    sums += kChunk, of_columns += kChunk, to += kChunk;
  }
  const auto last = static_cast<size_t>(count % kChunk);
  if (last == 0) return;
  int32_t rest[kChunk] = {};
  float factors[kChunk] = {};
  typename Type::Storage out[kChunk];
  std::memcpy(rest, sums, last * sizeof(int32_t));
  std::memcpy(factors, of_columns, last * sizeof(float));
  chunk(rest, factors, out);
  std::memcpy(to, out, last * sizeof(typename Type::Storage));
}

// Writes a piece's gates, and its ups behind them, or both in turns where they lie so.
template <typename Type>
void scale_piece(const Call& call, const Piece& piece, void* numbers) {
  const bool is_gated = opparity::kProducerFacts[static_cast<int>(call.producer)].is_gated;
  const bool alternates = is_gated && call.is_interleaved;
  const auto* row = reinterpret_cast<const int32_t*>(static_cast<const char*>(call.input) +
                                                     piece.token * call.input_row_bytes);
  auto* to = static_cast<typename Type::Storage*>(numbers);
  const float of_row = call.token_scales[piece.token];
  const auto scale = [&](int64_t first, int64_t count) {
    scale_neighbours<Type>(row + first, of_row, call.weight_scales + first, count, to);
    to += count;
  };
  if (alternates) {
    scale(2 * piece.first_element, 2 * piece.elements);
    return;
  }
  scale(piece.first_element, piece.elements);
  if (is_gated) scale(call.hidden_size + piece.first_element, piece.elements);
}

}  // namespace
