// The gradients of a producer's input as what a tile holds, to be quantised in place of products.
// Included behind what cpu/produce.cpp defines.
#pragma once

#include "native/contract/gradient.h"
#include "native/cpu/rows.h"

namespace {

// Where a chunk of gradients comes from.
template <typename Storage, typename GradientStorage>
struct GradientSources {
  const Storage* gate;
  const Storage* up;
  const GradientStorage* gradient;
};

// As many numbers as a vector has lanes.
template <typename Type>
OPPARITY_FUNCTION Number load_lanes(const typename Type::Storage* from) {
  if constexpr (sizeof(typename Type::Storage) == sizeof(float)) {
    return load<Number>(from);
  } else if constexpr (Type::kInTurns) {
    return number_of(widen_halves(load<Halves>(from)) << 16);
  } else {
    return widen_float16(load<Halves>(from));
  }
}

// The gradients of gates and of ups, or of what is not gated; where gates and ups alternate, theirs
// in order as the former.
template <typename Input, typename Gradient, bool Interleaved>
OPPARITY_FUNCTION GatesAndUps
gradient_chunk(const GradientSources<typename Input::Storage, typename Gradient::Storage>& from,
               const Parameters& parameters, bool rounds) {
  GatesAndUps both{};
  if constexpr (Interleaved) {
    Chunk turns = Input::load_turns(from.gate);
    differentiate<Producer>(turns.first, turns.second, load_lanes<Gradient>(from.gradient),
                            parameters);
    both.gates = in_order(turns);
  } else {
    both = load_both<Input, kIsGated, false>(from.gate, from.up);
    const Chunk gradient = load_chunk<Gradient, Input::kInTurns>(from.gradient);
    differentiate<Producer>(both.gates.first, both.ups.first, gradient.first, parameters);
    differentiate<Producer>(both.gates.second, both.ups.second, gradient.second, parameters);
  }
  if (rounds) {
    both.gates = {Input::round(both.gates.first), Input::round(both.gates.second)};
    both.ups = {Input::round(both.ups.first), Input::round(both.ups.second)};
  }
  return both;
}

// The same of fewer elements than a chunk has, with anything behind them.
template <typename Input, typename Gradient, bool Interleaved>
[[gnu::noinline]] GatesAndUps gradient_rest(
    const GradientSources<typename Input::Storage, typename Gradient::Storage>& from,
    const Parameters& parameters, bool rounds, int64_t elements) {
  typename Input::Storage gate[kChunk] = {}, up[kChunk] = {};
  typename Gradient::Storage gradient[kChunk] = {};
  const auto count = static_cast<size_t>(elements);
  std::memcpy(gate, from.gate, count * sizeof gate[0]);
  if constexpr (kIsGated && !Interleaved) std::memcpy(up, from.up, count * sizeof up[0]);
  std::memcpy(gradient, from.gradient, (Interleaved ? count / 2 : count) * sizeof gradient[0]);
  return gradient_chunk<Input, Gradient, Interleaved>({gate, up, gradient}, parameters, rounds);
}

// Puts a chunk in a tile, and raises its unit's largest magnitude.
template <bool InTurns>
OPPARITY_FUNCTION void put_chunk(const Chunk& chunk, int64_t elements, float* products,
                                 Bits& largest) {
  store(products, chunk.first);
  store(products + kLanes, chunk.second);
  if (elements < kChunk) {
    largest = larger(largest, clear_behind<InTurns>(products, elements));
    return;
  }
  largest = larger(largest, bits_of(chunk.first) & kMagnitudeBits);
  largest = larger(largest, bits_of(chunk.second) & kMagnitudeBits);
}

// A piece is one of the gates' half where there are halves, and the ups' gradients go to `ups`.
template <typename Input, typename Gradient, bool Interleaved>
void produce_gradients(const Call& call, const Piece& piece, Tile& tile,
                       [[maybe_unused]] Tile& ups) {
  constexpr bool kHasHalves = kIsGated && !Interleaved;
  constexpr bool kInTurns = Input::kInTurns && !Interleaved;
  const auto* input =
      streams<const typename Input::Storage, false>(call.input, call.input_row_bytes, call, piece)
          .gate;
  const Piece of_gradient{piece.token, piece.first_element / (Interleaved ? 2 : 1), 0};
  const auto* gradient = streams<const typename Gradient::Storage, false>(
                             call.gradient, call.gradient_row_bytes, call, of_gradient)
                             .gate;
  const auto half = kHasHalves ? call.hidden_size / 2 : 0;
  // Copies, so that no store may change them.
  const Parameters parameters = call.parameters;
  const bool rounds = call.intermediate != Intermediate::kFloat32;
  const int64_t unit_size = opparity::elements_of_a_unit(call);
  const int64_t stride = opparity::OPPARITY_CAPABILITY::stride_of_a_unit(call);
  for (int64_t unit = 0, done = 0; done < piece.elements; ++unit, done += unit_size) {
    const int64_t elements = std::min(piece.elements - done, unit_size);
    Bits largest{}, largest_of_ups{};
    for (int64_t i = 0; i < elements; i += kChunk) {
      const int64_t count = std::min<int64_t>(elements - i, kChunk), place = done + i;
      const GradientSources<typename Input::Storage, typename Gradient::Storage> from{
          input + place, input + half + place, gradient + place / (Interleaved ? 2 : 1)};
      prefetch(from.gate);
      if constexpr (kHasHalves) prefetch(from.up);
      prefetch(from.gradient);
      const GatesAndUps found =
          count == kChunk
              ? gradient_chunk<Input, Gradient, Interleaved>(from, parameters, rounds)
              : gradient_rest<Input, Gradient, Interleaved>(from, parameters, rounds, count);
      const int64_t to = unit * stride + i;
      put_chunk<kInTurns>(found.gates, count, tile.products + to, largest);
      if constexpr (kHasHalves) {
        put_chunk<kInTurns>(found.ups, count, ups.products + to, largest_of_ups);
      }
    }
    tile.amax[unit] = largest_of(largest);
    if constexpr (kHasHalves) ups.amax[unit] = largest_of(largest_of_ups);
  }
}

}  // namespace
