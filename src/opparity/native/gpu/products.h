// The products of a thread: f(gate) * h(up), or f(x), rounded where the intermediate precision says
// so.
#pragma once

#include "native/gpu/pieces.h"

namespace {

// Makes products behind a row's end +0: of the zeros there a producer may make NaN, as zero times
// infinity.
OPPARITY_FUNCTION void clear_behind(const Place& place, int i, Number (&pair)[2]) {
  if constexpr (kIsUnaligned) {
#pragma unroll
    for (int j = 0; j < 2; ++j) {
      if (static_cast<uint32_t>(i + j) >= place.count) pair[j] = 0.0f;
    }
  }
}

OPPARITY_FUNCTION void clear_behind(const Place& place, uint32_t i, uint32_t& pair) {
  if (i >= place.count) {
    pair = 0;
  } else if (i + 1 >= place.count) {
    pair &= 0xffffu;
  }
}

// By functions that give f and h of the elements i and i + 1. Returns the bits of the largest
// magnitude, NaN's above infinity's.
template <typename Gates, typename Ups>
OPPARITY_FUNCTION uint32_t multiply(const KernelArguments& arguments, const Place& place,
                                    const Gates& gates, const Ups& ups,
                                    Number (&products)[kElements]) {
  Number amax = 0.0f, weight = 1.0f;
  // Not kept in Place, which would give kernels without weights other instructions.
  if constexpr (kWeighsRows) weight = arguments.row_weights[place.token];
#pragma unroll
  for (int i = 0; i < kElements; i += 2) {
    Number pair[2];
    gates(i, pair);
    if constexpr (kIsGated) {
      Number others[2];
      ups(i, others);
      pair[0] = pair[0] * others[0];
      pair[1] = pair[1] * others[1];
    }
    if constexpr (kIntermediate != Intermediate::kFloat32) Input::round(pair[0], pair[1]);
    if constexpr (kWeighsRows) pair[0] = pair[0] * weight, pair[1] = pair[1] * weight;
    clear_behind(place, i, pair);
    products[i] = pair[0];
    products[i + 1] = pair[1];
    amax = maximum_or_nan(amax, maximum_or_nan(magnitude(pair[0]), magnitude(pair[1])));
  }
  return bits_of(amax);
}

template <typename Functor>
OPPARITY_FUNCTION void gates_of(const KernelArguments& arguments, Number (&pair)[2]) {
#pragma unroll
  for (int j = 0; j < 2; ++j) pair[j] = Functor::gate(pair[j], arguments.parameters);
  constexpr bool kRounds = kIntermediate == Intermediate::kInputDtype;
  if constexpr (kRounds && kIsGated) Input::round(pair[0], pair[1]);
}

template <typename Functor>
OPPARITY_FUNCTION void ups_of(const KernelArguments& arguments, Number (&pair)[2]) {
#pragma unroll
  for (int j = 0; j < 2; ++j) pair[j] = Functor::up(pair[j], arguments.parameters);
  constexpr bool kRounds = kIntermediate == Intermediate::kInputDtype;
  if constexpr (kRounds && !Functor::kUpIsIdentity) Input::round(pair[0], pair[1]);
}

template <typename Functor>
OPPARITY_FUNCTION uint32_t produce(const KernelArguments& arguments, const Place& place,
                                   const Elements& elements, Number (&products)[kElements]) {
  return multiply(
      arguments, place,
      [&](int i, Number(&pair)[2]) {
        pair[0] = elements.gate[i], pair[1] = elements.gate[i + 1];
        gates_of<Functor>(arguments, pair);
      },
      [&](int i, Number(&pair)[2]) {
        pair[0] = elements.up[i], pair[1] = elements.up[i + 1];
        ups_of<Functor>(arguments, pair);
      },
      products);
}

}  // namespace
