// The products of a thread's part of a row.
#pragma once

#include "native/gpu/products.h"
#include "native/gpu/row_parts.h"

namespace {

// The products of what the norm read, in numbers; returns the bits of the largest magnitude.
template <typename Functor>
OPPARITY_FUNCTION uint32_t normalise(const KernelArguments& arguments, const Place& place,
                                     Number factor, RowPart& part) {
  constexpr bool kRoundsFactors = kIntermediate == Intermediate::kInputDtype;
  constexpr bool kRoundsProduct = kIntermediate != Intermediate::kFloat32;
  Number products[kElements], columns[kElements], gates[kElements];
  Sum::widen(part.sum.words, products);
  Input::widen(part.weight.words, columns);
  Input::widen(part.gate.words, gates);
  Number amax = 0.0f;
#pragma unroll
  for (int i = 0; i < kElements; i += 2) {
    Number pair[2];
#pragma unroll
    for (int j = 0; j < 2; ++j) pair[j] = products[i + j] * factor;
    if constexpr (kRoundsFactors) Input::round(pair[0], pair[1]);
    if constexpr (kHasWeight) {
#pragma unroll
      for (int j = 0; j < 2; ++j) {
        pair[j] = pair[j] * Functor::column(columns[i + j], arguments.parameters);
      }
    }
    if constexpr (kTakesGate<Functor>) {
      Number activated[2];
#pragma unroll
      for (int j = 0; j < 2; ++j) {
        activated[j] = Functor::gate(gates[i + j], arguments.parameters);
      }
      if constexpr (kRoundsFactors) {
        Input::round(pair[0], pair[1]);
        Input::round(activated[0], activated[1]);
      }
      pair[0] = pair[0] * activated[0];
      pair[1] = pair[1] * activated[1];
    }
    if constexpr (kRoundsProduct) Input::round(pair[0], pair[1]);
    clear_behind(place, i, pair);
    products[i] = pair[0];
    products[i + 1] = pair[1];
    amax = maximum_or_nan(amax, maximum_or_nan(magnitude(pair[0]), magnitude(pair[1])));
  }
  Product::pack(products, part.products.words);
  return bits_of(amax);
}

// The same in pairs, each step of which is rounded.
template <typename Functor, typename Pairs>
OPPARITY_FUNCTION uint32_t normalise_pairs(const KernelArguments& arguments, const Place& place,
                                           Number factor, RowPart& part) {
  uint32_t (&words)[words_of<Pairs>(kElements)] = part.products.words;
  Number numbers[kElements];
  Sum::widen(part.sum.words, numbers);
#pragma unroll
  for (Number& number : numbers) number = number * factor;
  Pairs::pack(numbers, words);
  if constexpr (kHasWeight) {
    if (Functor::keeps_columns(arguments.parameters)) {
      Pairs::make_zeros_positive(part.weight.words);
      Pairs::multiply(words, part.weight.words);
    } else {
      Number columns[kElements];
      Pairs::widen(words, numbers);
      Pairs::widen(part.weight.words, columns);
#pragma unroll
      for (int i = 0; i < kElements; ++i) {
        numbers[i] = numbers[i] * Functor::column(columns[i], arguments.parameters);
      }
      Pairs::pack(numbers, words);
    }
  }
  if constexpr (kTakesGate<Functor>) {
    Piece<Pairs> activated;
    Pairs::widen(part.gate.words, numbers);
#pragma unroll
    for (Number& number : numbers) number = Functor::gate(number, arguments.parameters);
    Pairs::pack(numbers, activated.words);
    Pairs::multiply(words, activated.words);
  }
  if constexpr (kIsUnaligned) {
#pragma unroll
    for (int i = 0; i < kElements / 2; ++i) clear_behind(place, 2 * i, words[i]);
  }
  return bits_of(Pairs::largest(words));
}

OPPARITY_FUNCTION void elements_of(const RowPart& part, Elements& elements) {
  Input::widen(part.input.words, elements.gate);
  if constexpr (kIsGated) Input::widen(part.other.words, elements.up);
  if constexpr (kIsGated && kIsInterleaved) {
    const Elements both = elements;
    constexpr int kHalf = kElements / 2;
#pragma unroll
    for (int i = 0; i < kHalf; ++i) {
      elements.gate[i] = both.gate[2 * i];
      elements.up[i] = both.gate[2 * i + 1];
      elements.gate[kHalf + i] = both.up[2 * i];
      elements.up[kHalf + i] = both.up[2 * i + 1];
    }
  }
}

// The products of a step, and the bits of their largest magnitude; none of a lane behind the row.
template <typename Functor>
OPPARITY_FUNCTION uint32_t produce_step(const KernelArguments& arguments, const Place& place,
                                        Number factor, RowPart& part) {
#pragma unroll
  for (uint32_t& word : part.products.words) word = 0;
  if (!place.is_inside) return 0;
  if constexpr (kReduces<Functor>) {
    if constexpr (!kKeeps) {
      load_part<Functor>(arguments, place, part);
      add_residual(place, part, part.sum);
    }
    if constexpr (!kReadsAhead) {
      if constexpr (kHasWeight) load_weight(arguments, place, part);
      if constexpr (kTakesGate<Functor>) load_gate(arguments, place, part);
    }
    if constexpr (kMultipliesPairs) {
      return normalise_pairs<Functor, Input>(arguments, place, factor, part);
    } else {
      return normalise<Functor>(arguments, place, factor, part);
    }
  } else {
    Elements elements;
    if constexpr (kKeeps) {
      elements_of(part, elements);
    } else {
      load_input(arguments, place, elements);
    }
    Number products[kElements];
    const uint32_t amax = produce<Functor>(arguments, place, elements, products);
    Product::pack(products, part.products.words);
    return amax;
  }
}

}  // namespace
