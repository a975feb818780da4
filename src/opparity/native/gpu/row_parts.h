// A thread's part of a row in registers: what is read of it, how it is kept, and where it is
// written.
#pragma once

#include "native/contract/rows.h"
#include "native/gpu/row_plan.h"

namespace {

constexpr bool kIsByToken = OPPARITY_BY_TOKEN;
constexpr bool kAdds = OPPARITY_RESIDUAL != 0;
constexpr bool kRoundsSum = OPPARITY_RESIDUAL == 1;
constexpr bool kHasWeight = OPPARITY_WEIGHT;
// A wide row's threads have a piece each.
constexpr bool kIsWideRow = kShape == Shape::kWideRow;
constexpr int kSteps = kIsWideRow ? 1 : OPPARITY_STEPS;
constexpr bool kKeeps = kSteps > 0;
constexpr int kKept = kKeeps ? kSteps : 1;
constexpr bool kIsWarpRow = kShape == Shape::kWarpRow;
constexpr uint32_t kRowThreads =
    opparity::threads_of_a_row(kShape) * (kIsWideRow ? OPPARITY_STEPS : 1);
static_assert(kElements == kRowNeighbours);

template <typename Functor>
constexpr bool kReduces = requires { Functor::kReduces; };
template <typename Functor>
constexpr bool kTakesGate = requires { requires Functor::kTakesGate; };

// Weights and gates are read before the row's sum is known, if there are registers for them.
constexpr bool kReadsAhead = kKeeps && kSteps <= 4 && Input::kBytes == 2;

// How a row's sums of input and residual, and then its products, are kept: 16-bit numbers as pairs.
// Kept as float32 and multiplied one by one, RMSNorm of bfloat16 to FP8 by token took 44.3 us
// instead of 32.2 at 4096 x 7168 on an H200.
template <bool kIsInput>
struct Choice {
  using Type = Input;
};
template <>
struct Choice<false> {
  using Type = Float32;
};
using Sum = Choice<!kAdds || kRoundsSum>::Type;
// A product with a row's weight is no 16-bit number any more.
using Product = Choice<kIntermediate != Intermediate::kFloat32 && !kWeighsRows>::Type;
// Whether each step of the arithmetic is rounded to 16 bits, so that pairs can be multiplied.
constexpr bool kMultipliesPairs = kIntermediate == Intermediate::kInputDtype && Input::kBytes == 2;

template <typename Type>
struct Piece {
  uint32_t words[words_of<Type>(kElements)];
};

// A thread's part of a row: what it reads, and what it makes of that.
struct RowPart {
  // Beside the input: the residual, or ups.
  Piece<Input> input, other;
  Piece<Input> weight, gate;
  Piece<Sum> sum;
  Piece<Product> products;
};

OPPARITY_FUNCTION Place place_of_step(const KernelArguments& arguments, const Place& row,
                                      uint32_t thread, uint32_t step) {
  const uint32_t column = step * kRowThreads + thread;
  Place place = row;
  place.column = column;
  // All steps but the last are whole.
  place.is_inside = (kKeeps && step + 1 < kSteps) || column <= arguments.last_piece;
  place.count = kElements;
  if constexpr (kIsUnaligned) {
    if (column >= arguments.last_piece) {
      place.count = arguments.hidden_size - arguments.last_piece * kElements;
    }
  }
  return place;
}

constexpr int64_t kInputPieceBytes = kElements * Input::kBytes;

template <typename Type>
OPPARITY_FUNCTION void load_piece(const char* address, uint32_t count, Piece<Type>& piece) {
  if constexpr (kIsUnaligned) {
    Number numbers[kElements];
    load_elements<Type>(address, count, numbers);
    Type::pack(numbers, piece.words);
  } else {
    load_words(piece.words, address);
  }
}

// In the input's type.
template <typename Type>
OPPARITY_FUNCTION void store_piece_of(char* address, uint32_t count, const Piece<Type>& piece) {
  if constexpr (!kIsUnaligned && Type::kBytes == Input::kBytes) {
    Piece<Type> written;
    Type::canonical(piece.words, written.words);
    store_words(address, written.words);
  } else {
    Number numbers[kElements];
    Type::widen(piece.words, numbers);
    store_elements<Input>(address, count, numbers);
  }
}

OPPARITY_FUNCTION const char* address_in(const char* rows, int64_t row_bytes, const Place& place) {
  return rows + place.token * row_bytes + place.column * kInputPieceBytes;
}

// Where a lane behind the row's end reads. A branch between two loads would make the second wait:
// RMSNorm to FP8 by token took 32.2 us so instead of 25.4 at 4096 x 7168 on an H200.
OPPARITY_FUNCTION Place place_to_read(const KernelArguments& arguments, Place place) {
  if (!place.is_inside) place.column = arguments.last_piece;
  return place;
}

// Kept as the rounded numbers that sums stand for, which take half of the sums' registers.
OPPARITY_FUNCTION void load_part_of_sums(const KernelArguments& arguments, const Place& there,
                                         RowPart& part) {
  const uint32_t column = there.column * kElements;
  Number numbers[kElements];
  load_sums(arguments, there.token, kIsInterleaved ? 2 * column : column, there.count, numbers);
  Input::pack(numbers, part.input.words);
  if constexpr (kIsGated) {
    const uint32_t other = kIsInterleaved ? 2 * column + kElements : arguments.hidden_size + column;
    load_sums(arguments, there.token, other, there.count, numbers);
    Input::pack(numbers, part.other.words);
  }
}

template <typename Functor>
OPPARITY_FUNCTION void load_part(const KernelArguments& arguments, const Place& place,
                                 RowPart& part) {
  const Place there = place_to_read(arguments, place);
  if constexpr (kReadsSums) {
    load_part_of_sums(arguments, there, part);
    return;
  }
  const char* input = address_in(arguments.input, arguments.input_row_bytes, there);
  const char* other = address_in(arguments.residual, arguments.residual_row_bytes, there);
  if constexpr (!kReduces<Functor>) {
    if constexpr (kIsInterleaved) input += there.column * kInputPieceBytes;
    const int64_t ups = static_cast<int64_t>(arguments.hidden_size) * Input::kBytes;
    other = input + (kIsInterleaved ? kInputPieceBytes : ups);
  }
  load_piece(input, there.count, part.input);
  if constexpr (kReduces<Functor> ? kAdds : kIsGated) load_piece(other, there.count, part.other);
}

// The sum of input and residual; zeros behind the row's end.
template <typename Type>
OPPARITY_FUNCTION void add_residual(const Place& place, const RowPart& part, Piece<Type>& sum) {
  if constexpr (kAdds) {
    Number x[kElements], residual[kElements];
    Input::widen(part.input.words, x);
    Input::widen(part.other.words, residual);
#pragma unroll
    for (int i = 0; i < kElements; ++i) x[i] = x[i] + residual[i];
    Type::pack(x, sum.words);
  } else {
    sum = part.input;
  }
  if (place.is_inside) return;
#pragma unroll
  for (uint32_t& word : sum.words) word = 0;
}

OPPARITY_FUNCTION void store_sum(const KernelArguments& arguments, const Place& place,
                                 const Piece<Sum>& sum) {
  if (!kAdds || !place.is_inside) return;
  store_piece_of(
      arguments.sum + place.token * arguments.sum_row_bytes + place.column * kInputPieceBytes,
      place.count, sum);
}

OPPARITY_FUNCTION void load_weight(const KernelArguments& arguments, const Place& place,
                                   RowPart& part) {
  const Place there = place_to_read(arguments, place);
  load_piece(arguments.weight + there.column * kInputPieceBytes, there.count, part.weight);
}

OPPARITY_FUNCTION void load_gate(const KernelArguments& arguments, const Place& place,
                                 RowPart& part) {
  const Place there = place_to_read(arguments, place);
  load_piece(address_in(arguments.gate, arguments.gate_row_bytes, there), there.count, part.gate);
}

// Everything that a row needs, if it is kept.
template <typename Functor>
OPPARITY_FUNCTION void read_ahead(const KernelArguments& arguments, const Place& row,
                                  uint32_t thread, RowPart (&parts)[kKept]) {
  const auto for_each_step = [&](const auto& load) {
#pragma unroll
    for (int step = 0; step < kKept; ++step) {
      load(arguments, place_of_step(arguments, row, thread, step), parts[step]);
    }
  };
  if constexpr (kKeeps) for_each_step(load_part<Functor>);
  if constexpr (kReadsAhead && kReduces<Functor>) {
    if constexpr (kHasWeight) for_each_step(load_weight);
    if constexpr (kTakesGate<Functor>) for_each_step(load_gate);
  }
  load_no_later();
}

}  // namespace
