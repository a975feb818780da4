// The gradients of a producer's input, which are quantised in place of its products.
#pragma once

#include "native/gpu/products.h"

namespace {

// Puts the gradients of a thread's elements in their places.
template <typename Functor>
OPPARITY_FUNCTION void differentiate_all(const KernelArguments& arguments, Elements& elements) {
#pragma unroll
  for (int i = 0; i < kGradients; ++i) {
    constexpr bool kAlternates = kGradients < kElements;
    Number& gate = elements.gate[kAlternates ? 2 * i : i];
    Number& up = kAlternates ? elements.gate[2 * i + 1] : elements.up[i];
    differentiate<Functor>(gate, up, elements.gradient[i], arguments.parameters);
  }
}

// Rounds gradients where the intermediate precision says so. Returns the bits of the largest
// magnitude, NaN's above infinity's.
OPPARITY_FUNCTION uint32_t round_and_measure(const Place& place, Number (&gradients)[kElements]) {
  Number amax = 0.0f;
#pragma unroll
  for (int i = 0; i < kElements; i += 2) {
    Number pair[2] = {gradients[i], gradients[i + 1]};
    if constexpr (kIntermediate != Intermediate::kFloat32) Input::round(pair[0], pair[1]);
    clear_behind(place, i, pair);
    gradients[i] = pair[0], gradients[i + 1] = pair[1];
    amax = maximum_or_nan(amax, maximum_or_nan(magnitude(pair[0]), magnitude(pair[1])));
  }
  return bits_of(amax);
}

// What a piece has to be quantised: products, or gradients.
template <typename Functor>
OPPARITY_FUNCTION uint32_t numbers_of(const KernelArguments& arguments, const Place& place,
                                      Elements& elements, Number (&numbers)[kElements]) {
  if constexpr (!kQuantisesGradient) {
    return produce<Functor>(arguments, place, elements, numbers);
  } else {
    differentiate_all<Functor>(arguments, elements);
#pragma unroll
    for (int i = 0; i < kElements; ++i) numbers[i] = elements.gate[i];
    return round_and_measure(place, numbers);
  }
}

}  // namespace
