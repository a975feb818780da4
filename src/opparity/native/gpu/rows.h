// Rows, for producers that reduce and for scales by token: a block of 256 threads has a row, or a
// warp has one where it is narrow. gpu/kernel.h includes this for its row shapes, with
//   OPPARITY_BY_TOKEN   1 where a row has one scale
//   OPPARITY_RESIDUAL   1 where a residual is added to the input, 2 where their sum is not rounded
//   OPPARITY_STEPS      pieces that a thread keeps in registers; 0 where it reads them again
#pragma once

#include "native/contract/rows.h"
#include "native/gpu/row_plan.h"

namespace {

constexpr bool kIsByToken = OPPARITY_BY_TOKEN;
constexpr bool kAdds = OPPARITY_RESIDUAL != 0;
constexpr bool kRoundsSum = OPPARITY_RESIDUAL == 1;
constexpr int kSteps = OPPARITY_STEPS;
constexpr bool kKeeps = kSteps > 0;
constexpr int kKept = kKeeps ? kSteps : 1;
constexpr bool kIsWarpRow = kShape == Shape::kWarpRow;
constexpr uint32_t kRowThreads = opparity::threads_of_a_row(kShape);
static_assert(kElements == kRowNeighbours);

template <typename Functor>
constexpr bool kReduces = requires { Functor::kReduces; };
template <typename Functor>
constexpr bool kTakesGate = requires { requires Functor::kTakesGate; };

// Weights and gates are read before the row's sum is known, if there are registers for them.
constexpr bool kReadsAhead = kKeeps && kSteps <= 4 && Input::kBytes == 2;

// How a row's sums of input and residual, and then its products, are kept: 16-bit numbers as pairs.
// As float32 they took half as many registers again, and with arithmetic on single numbers twice
// the instructions: 45 us instead of {US} at 4096 x 7168 on an H200, RMSNorm to FP8 by token.
template <bool kIsInput>
struct Choice {
  using Type = Input;
};
template <>
struct Choice<false> {
  using Type = Float32;
};
using Sum = Choice<!kAdds || kRoundsSum>::Type;
using Product = Choice<kIntermediate != Intermediate::kFloat32>::Type;
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

// Where a lane behind the row's end reads, since a branch between two loads makes the second wait:
// RMSNorm to FP8 by token took 32 us so instead of {US} at 4096 x 7168 on an H200.
OPPARITY_FUNCTION Place place_to_read(const KernelArguments& arguments, Place place) {
  if (!place.is_inside) place.column = arguments.last_piece;
  return place;
}

template <typename Functor>
OPPARITY_FUNCTION void load_part(const KernelArguments& arguments, const Place& place,
                                 RowPart& part) {
  const Place there = place_to_read(arguments, place);
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
    if (arguments.weight != nullptr) for_each_step(load_weight);
    if constexpr (kTakesGate<Functor>) for_each_step(load_gate);
  }
  load_no_later();
}

// The lanes' sum: docs/numerics.md, section 9.
template <int kStep = 1>
OPPARITY_FUNCTION Number sum_of_lanes(Number value) {
  if constexpr (kStep == kRowLanes) {
    return value;
  } else {
    const Number other = number_of(from_lane<kStep>(bits_of(value)));
    return sum_of_lanes<2 * kStep>(value + other);
  }
}

// The sum of a row's squares or products, from each thread's accumulators: one for each neighbour,
// and in a warp's row for each step, too, where others have warps.
struct RowSum {
  Number accumulators[kElements];
  Number parts[kRowWarps];

  OPPARITY_MEMBER RowSum zero() {
    RowSum sum;
#pragma unroll
    for (int i = 0; i < kElements; ++i) sum.accumulators[i] = 0.0f;
#pragma unroll
    for (int i = 0; i < kRowWarps; ++i) sum.parts[i] = 0.0f;
    return sum;
  }
  OPPARITY_MEMBER void add(RowSum& sum, const Number (&x)[kElements], const Number (&y)[kElements],
                           uint32_t step) {
#pragma unroll
    for (int i = 0; i < kElements; ++i) {
      const Number before = kIsWarpRow ? 0.0f : sum.accumulators[i];
      sum.accumulators[i] = fused_multiply_add(x[i], y[i], before);
    }
    if constexpr (kIsWarpRow) sum.parts[step] = sum_of_neighbours(sum.accumulators);
  }
  // The same in each thread of the row.
  OPPARITY_MEMBER Number total(RowSum& sum, uint32_t thread) {
    if constexpr (!kIsWarpRow) {
      OPPARITY_SHARED Number shared[kRowThreads];
      shared[thread] = sum_of_neighbours(sum.accumulators);
      synchronise_block();
#pragma unroll
      for (int warp = 0; warp < kRowWarps; ++warp) {
        sum.parts[warp] = shared[warp * kRowLanes + thread % kRowLanes];
      }
    }
    return sum_of_lanes(sum_of_warps(sum.parts));
  }
};

OPPARITY_FUNCTION uint32_t maximum_of_row(uint32_t value, uint32_t thread) {
  value = maximum_of_lanes<kRowLanes>(value);
  if constexpr (!kIsWarpRow) {
    OPPARITY_SHARED uint32_t shared[kRowWarps];
    if (thread % kRowLanes == 0) shared[thread / kRowLanes] = value;
    synchronise_block();
#pragma unroll
    for (int warp = 0; warp < kRowWarps; ++warp) value = larger(value, shared[warp]);
  }
  return value;
}

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
    if (arguments.weight != nullptr) {
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
  if (arguments.weight != nullptr) {
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
      if (arguments.weight != nullptr) load_weight(arguments, place, part);
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

template <typename Format>
OPPARITY_FUNCTION void store_step(const KernelArguments& arguments, const Place& place,
                                  const Piece<Product>& products, uint32_t amax, GroupScale scale) {
  if constexpr (Format::kBits > 8) {
    if (!place.is_inside) return;
    store_piece_of(arguments.values + place.token * arguments.values_row_bytes +
                       place.column * kInputPieceBytes,
                   place.count, products);
  } else {
    if constexpr (kGroupSize > 0) {
      amax = maximum_of_lanes<kLanes>(amax);
      scale = scale_of_group<Format>(arguments, place, amax);
    }
    Number numbers[kElements];
    Product::widen(products.words, numbers);
    uint32_t codes[kCodeWords<Format, kElements>];
    encode_all<Format, kMayExceed>(numbers, scale.factor, amax, codes);
    if (!place.is_inside) return;
    store_codes<Format>(arguments, place, codes);
    if constexpr (kGroupSize > 0) {
      if (place.column % kLanes == 0) store_scale(arguments, place, scale);
    }
  }
}

template <typename Functor, typename Format>
OPPARITY_FUNCTION void compute_row(const KernelArguments& arguments, const Place& row,
                                   uint32_t thread) {
  const uint32_t steps = kKeeps ? kSteps : arguments.last_piece / kRowThreads + 1;
  RowPart parts[kKept];
  read_ahead<Functor>(arguments, row, thread, parts);
  Number factor = 1.0f;
  if constexpr (kReduces<Functor>) {
    RowSum sum = RowSum::zero();
#pragma unroll kKept
    for (uint32_t step = 0; step < steps; ++step) {
      const Place place = place_of_step(arguments, row, thread, step);
      RowPart& part = parts[kKeeps ? step : 0];
      if constexpr (!kKeeps) load_part<Functor>(arguments, place, part);
      add_residual(place, part, part.sum);
      Number x[kElements];
      Sum::widen(part.sum.words, x);
      RowSum::add(sum, x, x, step);
      // Where the row is read again, the residual has to be what it was.
      if constexpr (kKeeps) store_sum(arguments, place, part.sum);
    }
    factor =
        Functor::row(RowSum::total(sum, thread), arguments.inverse_width, arguments.parameters);
  }
  GroupScale scale{};
  uint32_t row_amax = 0;
  if constexpr (kIsByToken) {
#pragma unroll kKept
    for (uint32_t step = 0; step < steps; ++step) {
      const Place place = place_of_step(arguments, row, thread, step);
      RowPart& part = parts[kKeeps ? step : 0];
      row_amax = larger(row_amax, produce_step<Functor>(arguments, place, factor, part));
    }
    row_amax = maximum_of_row(row_amax, thread);
    scale = scale_of_group<Format>(arguments, row, row_amax);
    if (thread == 0) store_scale(arguments, row, scale);
  } else if constexpr (Format::kBits <= 8 && kGroupSize == 0) {
    scale = scale_of_group<Format>(arguments, row, 0);
  }
#pragma unroll kKept
  for (uint32_t step = 0; step < steps; ++step) {
    const Place place = place_of_step(arguments, row, thread, step);
    RowPart& part = parts[kKeeps ? step : 0];
    uint32_t amax = row_amax;
    if constexpr (!kIsByToken || !kKeeps) {
      amax = produce_step<Functor>(arguments, place, factor, part);
      if constexpr (!kKeeps && kReduces<Functor>) store_sum(arguments, place, part.sum);
    }
    store_step<Format>(arguments, place, part.products, kIsByToken ? row_amax : amax, scale);
  }
}

// Rows of experts: a block, or a warp, takes one after another.
template <typename Functor, typename Format>
OPPARITY_FUNCTION void rows_of_experts(const KernelArguments& arguments, uint32_t first,
                                       uint32_t thread) {
  OPPARITY_SHARED ExpertTable table;
  fill_experts(arguments, table);
  const uint32_t rows = valid_rows(arguments, table);
  for (uint32_t row = first; row < rows; row += arguments.step) {
    Place place{0, 0, true, 0};
    find_row(arguments, table, row, place);
    compute_row<Functor, Format>(arguments, place, thread);
    // What a row's threads share is the next row's.
    if constexpr (!kIsWarpRow) synchronise_block();
  }
  if constexpr (kIsByToken || kGroupSize > 0) {
    constexpr uint32_t kRows = opparity::kThreadsOfABlock / kRowThreads;
    clear_gaps(arguments, table, block_index_x(), arguments.step / kRows);
  }
}

template <typename Functor, typename Format>
OPPARITY_FUNCTION void rows(const KernelArguments& arguments) {
  constexpr uint32_t kRows = opparity::kThreadsOfABlock / kRowThreads;
  const uint32_t thread = thread_index() % kRowThreads;
  const uint32_t token = block_index_x() * kRows + thread_index() / kRowThreads;
  // Warps leave whole.
  if (!kHasExperts && kIsWarpRow && token >= arguments.num_tokens) return;
  let_next_kernel_start();
  wait_for_previous_kernel();
  if constexpr (kHasExperts) {
    rows_of_experts<Functor, Format>(arguments, token, thread);
  } else {
    compute_row<Functor, Format>(arguments, Place{token, 0, true, 0}, thread);
  }
}

}  // namespace
