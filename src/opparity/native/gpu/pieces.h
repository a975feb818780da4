// Where a thread of the GPU kernel works, and what it reads and writes there.
#pragma once

#include "native/gpu/memory.h"
#include "native/gpu/sums.h"

namespace {

// Where a thread works.
struct Place {
  uint32_t token;
  // The piece in its row.
  uint32_t column;
  bool is_inside;
  // How many elements of the row are in the piece; all but for the end of an unaligned row.
  uint32_t count;
  // Of experts' rows: which one's it is, and where its scales are: so many bytes on, as if it were
  // this token.
  uint32_t expert = 0;
  uint32_t scale_token = 0;
  int64_t scale_bytes = 0;
};

OPPARITY_FUNCTION uint32_t first_piece(const KernelArguments& arguments) {
  return block_index_x() * arguments.threads + thread_index();
}

// Of so many pieces the place of one. False where the whole warp has nothing to do.
OPPARITY_FUNCTION bool find_place(const KernelArguments& arguments, uint32_t pieces, uint32_t index,
                                  Place& place) {
  // Warps leave whole, and other lanes beyond the end compute the last piece and store nothing:
  // where some lanes may have left, an exchange takes eight instructions more. They are whole
  // groups, as pieces, in a row and in all, are a multiple of a group's.
  constexpr bool kGroupIsWarp = kLanes == 32;
  if constexpr (kGroupIsWarp || kStays || !kCountsThroughRows) {
    if ((kGroupIsWarp ? index : index & ~31u) >= pieces) return false;
  }
  place.is_inside = kGroupIsWarp || index < pieces;
  const uint32_t piece = place.is_inside ? index : pieces - 1;
  place.token = block_index_y();
  place.column = piece;
  if constexpr (kCountsThroughRows) {
    place.token = multiply_high(piece, arguments.multiplier) >> arguments.shift;
    place.column = piece - place.token * arguments.row_pieces;
  }
  place.count = kElements;
  if constexpr (kHasTail) {
    // Of a short last group some lanes have no elements.
    if (place.column > arguments.last_piece) place.is_inside = false;
  }
  // Halves end with a whole piece.
  if constexpr (kIsUnaligned && !kTakesBothHalves) {
    if (place.column >= arguments.last_piece) {
      place.count = arguments.hidden_size - arguments.last_piece * kElements;
    }
  }
  return true;
}

// The gradients of products that a thread's elements have.
constexpr int kGradients = kIsGated && kIsInterleaved ? kElements / 2 : kElements;

// The elements that a thread works on. Of a gradient that is quantised, gates and ups that
// alternate do so in `gate`.
struct Elements {
  Number gate[kElements];
  Number up[kElements];
  Number gradient[kGradients];
};

template <typename Type>
constexpr int words_of(int elements) {
  return elements * Type::kBytes / 4;
}

template <typename Type, int kCount>
OPPARITY_FUNCTION void load_elements(const char* address, uint32_t count,
                                     Number (&elements)[kCount]) {
  if constexpr (kIsUnaligned) {
#pragma unroll
    for (int i = 0; i < kCount; ++i) {
      elements[i] = static_cast<uint32_t>(i) < count ? Type::load_one(address, i) : 0.0f;
    }
  } else {
    uint32_t words[words_of<Type>(kCount)];
    load_words(words, address);
    Type::widen(words, elements);
  }
}

OPPARITY_FUNCTION const char* row_of_input(const KernelArguments& arguments, const Place& place) {
  return arguments.input + place.token * arguments.input_row_bytes;
}

// A lane without elements reads those of the row's last piece, and does not count.
OPPARITY_FUNCTION uint32_t column_to_read(const KernelArguments& arguments, const Place& place) {
  if (!kHasTail || place.column < arguments.last_piece) return place.column;
  return arguments.last_piece;
}

// Of numbers in turns the first ones and the second ones.
OPPARITY_FUNCTION void take_turns(const Number (&both)[2 * kElements], Elements& elements) {
#pragma unroll
  for (int i = 0; i < kElements; ++i) {
    elements.gate[i] = both[2 * i];
    elements.up[i] = both[2 * i + 1];
  }
}

template <int kCount>
OPPARITY_FUNCTION void load_rounded_sums(const KernelArguments& arguments, const Place& place,
                                         uint32_t column, uint32_t count,
                                         Number (&elements)[kCount]) {
  load_sums(arguments, place.token, column, count, elements);
#pragma unroll
  for (int i = 0; i < kCount; i += 2) Input::round(elements[i], elements[i + 1]);
}

OPPARITY_FUNCTION void load_input_of_sums(const KernelArguments& arguments, const Place& place,
                                          Elements& elements) {
  const uint32_t column = column_to_read(arguments, place) * kElements;
  if constexpr (kIsGated && kIsInterleaved) {
    Number both[2 * kElements];
    load_rounded_sums(arguments, place, 2 * column, 2 * place.count, both);
    take_turns(both, elements);
  } else {
    load_rounded_sums(arguments, place, column, place.count, elements.gate);
    if constexpr (kIsGated) {
      const uint32_t ups = arguments.hidden_size + column;
      load_rounded_sums(arguments, place, ups, place.count, elements.up);
    }
  }
}

// What a piece of gradients is computed from.
OPPARITY_FUNCTION void load_with_gradient(const KernelArguments& arguments, const Place& place,
                                          Elements& elements) {
  constexpr int64_t kPieceBytes = kElements * Input::kBytes;
  const uint32_t column = column_to_read(arguments, place);
  const char* gates = row_of_input(arguments, place) + column * kPieceBytes;
  load_elements<Input>(gates, place.count, elements.gate);
  if constexpr (kTakesBothHalves) {
    const char* ups = gates + static_cast<int64_t>(arguments.hidden_size / 2) * Input::kBytes;
    load_elements<Input>(ups, place.count, elements.up);
  }
  load_elements<Gradient>(arguments.gradient + place.token * arguments.gradient_row_bytes +
                              column * static_cast<int64_t>(kGradients * Gradient::kBytes),
                          kGradients == kElements ? place.count : place.count / 2,
                          elements.gradient);
}

OPPARITY_FUNCTION void load_input(const KernelArguments& arguments, const Place& place,
                                  Elements& elements) {
  if constexpr (kReadsSums) {
    load_input_of_sums(arguments, place, elements);
    return;
  }
  if constexpr (kQuantisesGradient) {
    load_with_gradient(arguments, place, elements);
    return;
  }
  const char* row = row_of_input(arguments, place);
  const uint32_t column = column_to_read(arguments, place);
  constexpr int64_t kPieceBytes = kElements * Input::kBytes;
  if constexpr (!kIsGated) {
    load_elements<Input>(row + column * kPieceBytes, place.count, elements.gate);
  } else if constexpr (kIsInterleaved) {
    Number both[2 * kElements];
    load_elements<Input>(row + column * (2 * kPieceBytes), 2 * place.count, both);
    take_turns(both, elements);
  } else {
    const char* gates = row + column * kPieceBytes;
    const char* ups = gates + static_cast<int64_t>(arguments.hidden_size) * Input::kBytes;
    load_elements<Input>(gates, place.count, elements.gate);
    load_elements<Input>(ups, place.count, elements.up);
  }
}

template <typename Type, int kCount>
OPPARITY_FUNCTION void store_elements(char* address, uint32_t count,
                                      const Number (&elements)[kCount]) {
  if constexpr (kIsUnaligned) {
#pragma unroll
    for (int i = 0; i < kCount; ++i) {
      if (static_cast<uint32_t>(i) < count) Type::store_one(address, i, elements[i]);
    }
  } else {
    uint32_t words[words_of<Type>(kCount)];
    Type::narrow(elements, words);
    store_words(address, words);
  }
}

}  // namespace
