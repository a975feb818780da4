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

// The gradients of gates, of ups, or of both where these alternate.
template <typename Input, typename Gradient, bool Interleaved, bool OfUps>
OPPARITY_FUNCTION Chunk
gradient_chunk(const GradientSources<typename Input::Storage, typename Gradient::Storage>& from,
               const Parameters& parameters) {
  if constexpr (Interleaved) {
    Chunk both = Input::load_turns(from.gate);
    differentiate<Producer>(both.first, both.second, load_lanes<Gradient>(from.gradient),
                            parameters);
    return in_order(both);
  } else {
    GatesAndUps both = load_both<Input, kIsGated, false>(from.gate, from.up);
    const Chunk gradient = load_chunk<Gradient, Input::kInTurns>(from.gradient);
    differentiate<Producer>(both.gates.first, both.ups.first, gradient.first, parameters);
    differentiate<Producer>(both.gates.second, both.ups.second, gradient.second, parameters);
    return OfUps ? both.ups : both.gates;
  }
}

// The same of fewer elements than a chunk has, with anything behind them.
template <typename Input, typename Gradient, bool Interleaved, bool OfUps>
[[gnu::noinline]] Chunk gradient_rest(
    const GradientSources<typename Input::Storage, typename Gradient::Storage>& from,
    const Parameters& parameters, int64_t elements) {
  typename Input::Storage gate[kChunk] = {}, up[kChunk] = {};
  typename Gradient::Storage gradient[kChunk] = {};
  const auto count = static_cast<size_t>(elements);
  std::memcpy(gate, from.gate, count * sizeof gate[0]);
  if constexpr (kIsGated && !Interleaved) std::memcpy(up, from.up, count * sizeof up[0]);
  std::memcpy(gradient, from.gradient, (Interleaved ? count / 2 : count) * sizeof gradient[0]);
  return gradient_chunk<Input, Gradient, Interleaved, OfUps>({gate, up, gradient}, parameters);
}

// Halves are a multiple of a chunk wide, and so no chunk has numbers of both.
template <typename Input, typename Gradient, bool Interleaved>
void produce_gradients(const Call& call, const Piece& piece, Tile& tile) {
  using Sources = GradientSources<typename Input::Storage, typename Gradient::Storage>;
  constexpr bool kInTurns = Input::kInTurns && !Interleaved;
  const int64_t half = call.hidden_size / 2;
  const auto* input = streams<const typename Input::Storage, false>(
                          call.input, call.input_row_bytes, call, {piece.token, 0, 0})
                          .gate;
  const auto* gradient = streams<const typename Gradient::Storage, false>(
                             call.gradient, call.gradient_row_bytes, call, {piece.token, 0, 0})
                             .gate;
  const Parameters parameters = call.parameters;
  const bool rounds = call.intermediate != Intermediate::kFloat32;
  const auto chunk_at = [&](int64_t column, int64_t elements) {
    const bool of_ups = kIsGated && !Interleaved && column >= half;
    const int64_t source = of_ups ? column - half : column;
    const Sources from{input + source, input + half + source,
                       gradient + (Interleaved ? source / 2 : source)};
    prefetch(from.gate);
    prefetch(from.gradient);
    if (elements < kChunk) {
      return of_ups
                 ? gradient_rest<Input, Gradient, Interleaved, true>(from, parameters, elements)
                 : gradient_rest<Input, Gradient, Interleaved, false>(from, parameters, elements);
    }
    return of_ups ? gradient_chunk<Input, Gradient, Interleaved, true>(from, parameters)
                  : gradient_chunk<Input, Gradient, Interleaved, false>(from, parameters);
  };
  const int64_t unit_size = opparity::elements_of_a_unit(call);
  const int64_t stride = opparity::OPPARITY_CAPABILITY::stride_of_a_unit(call);
  float* unit = tile.products;
  uint32_t* amax = tile.amax;
  for (int64_t done = 0; done < piece.elements; done += unit_size) {
    const int64_t elements = std::min(piece.elements - done, unit_size);
    Bits largest{};
    for (int64_t i = 0; i < elements; i += kChunk) {
      const int64_t count = std::min<int64_t>(elements - i, kChunk);
      Chunk found = chunk_at(piece.first_element + done + i, count);
      if (rounds) found = {Input::round(found.first), Input::round(found.second)};
      store(unit + i, found.first);
      store(unit + i + kLanes, found.second);
      largest = larger(largest, clear_behind<kInTurns>(unit + i, count));
    }
    unit += stride;
    *amax++ = largest_of(largest);
  }
}

}  // namespace
