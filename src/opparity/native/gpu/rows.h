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

struct Words {
  uint32_t words[words_of<Input>(kElements)];
};

// A thread's part of a row.
template <typename Functor>
struct RowPart {
  // What the norm reads, and, by token, the products later on.
  Number elements[kElements];
  Words weight;
  Words gate;
};

OPPARITY_FUNCTION Place place_of_step(const KernelArguments& arguments, const Place& row,
                                      uint32_t thread, uint32_t step) {
  const uint32_t column = step * kRowThreads + thread;
  Place place = row;
  place.column = column;
  place.is_inside = column <= arguments.last_piece;
  place.count = kElements;
  if constexpr (kIsUnaligned) {
    if (column >= arguments.last_piece) {
      place.count = arguments.hidden_size - arguments.last_piece * kElements;
    }
  }
  return place;
}

constexpr int64_t kInputPieceBytes = kElements * Input::kBytes;

// Input and residual; zeros behind the row's end.
OPPARITY_FUNCTION void load_sum(const KernelArguments& arguments, const Place& place,
                                Number (&x)[kElements]) {
#pragma unroll
  for (int i = 0; i < kElements; ++i) x[i] = 0.0f;
  if (!place.is_inside) return;
  const int64_t offset = place.column * kInputPieceBytes;
  load_elements<Input>(arguments.input + place.token * arguments.input_row_bytes + offset,
                       place.count, x);
  if constexpr (kAdds) {
    Number residual[kElements];
    load_elements<Input>(arguments.residual + place.token * arguments.residual_row_bytes + offset,
                         place.count, residual);
#pragma unroll
    for (int i = 0; i < kElements; i += 2) {
      x[i] = x[i] + residual[i];
      x[i + 1] = x[i + 1] + residual[i + 1];
      if constexpr (kRoundsSum) Input::round(x[i], x[i + 1]);
    }
  }
}

OPPARITY_FUNCTION void store_sum(const KernelArguments& arguments, const Place& place,
                                 const Number (&x)[kElements]) {
  if (!kAdds || !place.is_inside) return;
  store_elements<Input>(
      arguments.sum + place.token * arguments.sum_row_bytes + place.column * kInputPieceBytes,
      place.count, x);
}

OPPARITY_FUNCTION const char* gate_address(const KernelArguments& arguments, const Place& place) {
  return arguments.gate + place.token * arguments.gate_row_bytes + place.column * kInputPieceBytes;
}

template <typename Functor>
OPPARITY_FUNCTION void read_ahead(const KernelArguments& arguments, const Place& place,
                                  RowPart<Functor>& part) {
  if (!kReadsAhead || !place.is_inside) return;
  if (arguments.weight != nullptr) {
    load_words(part.weight.words, arguments.weight + place.column * kInputPieceBytes);
  }
  if constexpr (kTakesGate<Functor>) load_words(part.gate.words, gate_address(arguments, place));
}

// From words that were read ahead, or from memory.
OPPARITY_FUNCTION void load_beside(const Words& ahead, const char* address, uint32_t count,
                                   Number (&numbers)[kElements]) {
  if constexpr (kReadsAhead) {
    Input::widen(ahead.words, numbers);
  } else {
    load_elements<Input>(address, count, numbers);
  }
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

// The products of what the norm read; returns the bits of the largest magnitude.
template <typename Functor>
OPPARITY_FUNCTION uint32_t normalise(const KernelArguments& arguments, const Place& place,
                                     Number factor, const RowPart<Functor>& part,
                                     Number (&products)[kElements]) {
  constexpr bool kRoundsFactors = kIntermediate == Intermediate::kInputDtype;
  constexpr bool kRoundsProduct = kIntermediate != Intermediate::kFloat32;
  Number columns[kElements], gates[kElements];
  const bool has_weight = arguments.weight != nullptr;
  if (has_weight) {
    load_beside(part.weight, arguments.weight + place.column * kInputPieceBytes, place.count,
                columns);
  }
  if constexpr (kTakesGate<Functor>) {
    load_beside(part.gate, gate_address(arguments, place), place.count, gates);
  }
  Number amax = 0.0f;
#pragma unroll
  for (int i = 0; i < kElements; i += 2) {
    Number pair[2];
#pragma unroll
    for (int j = 0; j < 2; ++j) pair[j] = part.elements[i + j] * factor;
    if constexpr (kRoundsFactors) Input::round(pair[0], pair[1]);
    if (has_weight) {
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
  return bits_of(amax);
}

// The products of a step, and the bits of their largest magnitude; none of a lane behind the row.
template <typename Functor>
OPPARITY_FUNCTION uint32_t produce_step(const KernelArguments& arguments, const Place& place,
                                        Number factor, RowPart<Functor>& part,
                                        Number (&products)[kElements]) {
#pragma unroll
  for (int i = 0; i < kElements; ++i) products[i] = 0.0f;
  if (!place.is_inside) return 0;
  if constexpr (kReduces<Functor>) {
    if constexpr (!kKeeps) load_sum(arguments, place, part.elements);
    return normalise(arguments, place, factor, part, products);
  } else {
    Elements elements;
    load_input(arguments, place, elements);
    return produce<Functor>(arguments, place, elements, products);
  }
}

template <typename Format>
OPPARITY_FUNCTION void store_step(const KernelArguments& arguments, const Place& place,
                                  const Number (&products)[kElements], uint32_t amax,
                                  GroupScale scale) {
  if constexpr (Format::kBits > 8) {
    if (!place.is_inside) return;
    store_elements<Input>(arguments.values + place.token * arguments.values_row_bytes +
                              place.column * kInputPieceBytes,
                          place.count, products);
  } else {
    if constexpr (kGroupSize > 0) {
      amax = maximum_of_lanes<kLanes>(amax);
      scale = scale_of_group<Format>(arguments, place, amax);
    }
    uint32_t codes[kCodeWords<Format, kElements>];
    encode_all<Format, kMayExceed>(products, scale.factor, amax, codes);
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
  RowPart<Functor> parts[kKept];
  Number factor = 1.0f;
  if constexpr (kReduces<Functor>) {
    RowSum sum = RowSum::zero();
#pragma unroll kKept
    for (uint32_t step = 0; step < steps; ++step) {
      const Place place = place_of_step(arguments, row, thread, step);
      RowPart<Functor>& part = parts[kKeeps ? step : 0];
      load_sum(arguments, place, part.elements);
      read_ahead(arguments, place, part);
      RowSum::add(sum, part.elements, part.elements, step);
      // Where the row is read again, the residual has to be what it was.
      if constexpr (kKeeps) store_sum(arguments, place, part.elements);
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
      RowPart<Functor>& part = parts[kKeeps ? step : 0];
      Number products[kElements];
      row_amax = larger(row_amax, produce_step(arguments, place, factor, part, products));
      if constexpr (kKeeps) {
#pragma unroll
        for (int i = 0; i < kElements; ++i) part.elements[i] = products[i];
      }
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
    RowPart<Functor>& part = parts[kKeeps ? step : 0];
    if constexpr (kIsByToken && kKeeps) {
      store_step<Format>(arguments, place, part.elements, row_amax, scale);
    } else {
      Number products[kElements];
      const uint32_t amax = produce_step(arguments, place, factor, part, products);
      if constexpr (!kKeeps && kReduces<Functor>) store_sum(arguments, place, part.elements);
      store_step<Format>(arguments, place, products, kIsByToken ? row_amax : amax, scale);
    }
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
