// Backward of producers that reduce: docs/numerics.md, section 12. A block, or a warp, has an
// accumulator of the weight's gradient and the rows that go to it; another launch adds the
// accumulators. gpu/kernel.h includes this behind gpu/rows.h, with
//   OPPARITY_ADDS   1 for that other launch
#pragma once

#include "native/gpu/rows.h"

namespace {

using Numbers = Number[kElements];

OPPARITY_FUNCTION void load_numbers(const KernelArguments& arguments, const Place& place,
                                    Number (&x)[kElements]) {
  RowPart part;
  load_part<OPPARITY_PRODUCER>(arguments, place, part);
  add_residual(place, part, part.sum);
  Sum::widen(part.sum.words, x);
}

OPPARITY_FUNCTION void load_gradient(const KernelArguments& arguments, const Place& place,
                                     Number (&gradient)[kElements]) {
  load_elements<Gradient>(arguments.gradient + place.token * arguments.gradient_row_bytes +
                              place.column * static_cast<int64_t>(kElements * Gradient::kBytes),
                          place.count, gradient);
}

OPPARITY_FUNCTION void load_gate(const KernelArguments& arguments, const Place& place,
                                 Number (&gate)[kElements]) {
  load_elements<Input>(address_in(arguments.gate, arguments.gate_row_bytes, place), place.count,
                       gate);
}

// The element's gradient times the gate's activation; zeros behind the row's end.
template <typename Functor>
OPPARITY_FUNCTION void load_terms(const KernelArguments& arguments, const Place& place,
                                  Number (&terms)[kElements]) {
#pragma unroll
  for (int i = 0; i < kElements; ++i) terms[i] = 0.0f;
  if (!place.is_inside) return;
  load_gradient(arguments, place, terms);
  if constexpr (kTakesGate<Functor>) {
    Number gate[kElements];
    load_gate(arguments, place, gate);
#pragma unroll
    for (int i = 0; i < kElements; ++i) {
      terms[i] = terms[i] * Functor::gate(gate[i], arguments.parameters);
    }
  }
}

template <typename Functor>
OPPARITY_FUNCTION void times_column(const KernelArguments& arguments, const Place& place,
                                    Number (&x)[kElements]) {
  if (!kHasWeight || !place.is_inside) return;
  Number weight[kElements];
  load_elements<Input>(arguments.weight + place.column * kInputPieceBytes, place.count, weight);
#pragma unroll
  for (int i = 0; i < kElements; ++i) {
    x[i] = x[i] * Functor::column(weight[i], arguments.parameters);
  }
}

template <typename Functor>
OPPARITY_FUNCTION void store_gate_gradient(const KernelArguments& arguments, const Place& place,
                                           const Number (&normalised)[kElements]) {
  Number product[kElements], gradient[kElements], gate[kElements];
#pragma unroll
  for (int i = 0; i < kElements; ++i) product[i] = normalised[i];
  times_column<Functor>(arguments, place, product);
  load_gradient(arguments, place, gradient);
  load_gate(arguments, place, gate);
#pragma unroll
  for (int i = 0; i < kElements; ++i) {
    product[i] = (gradient[i] * product[i]) * Functor::gate_slope(gate[i], arguments.parameters);
  }
  store_elements<Input>(arguments.gate_gradient + place.token * arguments.gate_gradient_row_bytes +
                            place.column * kInputPieceBytes,
                        place.count, product);
}

template <typename Functor>
OPPARITY_FUNCTION void store_gradient(const KernelArguments& arguments, const Place& place,
                                      Number factor, Number share, const Number (&x)[kElements],
                                      const Number (&terms)[kElements]) {
  Number inner[kElements];
#pragma unroll
  for (int i = 0; i < kElements; ++i) inner[i] = terms[i];
  times_column<Functor>(arguments, place, inner);
#pragma unroll
  for (int i = 0; i < kElements; ++i) inner[i] = fused_multiply_add(-share, x[i], inner[i]);
  if (arguments.sum_gradient == nullptr) {
#pragma unroll
    for (int i = 0; i < kElements; ++i) inner[i] = factor * inner[i];
  } else {
    Number added[kElements];
    load_elements<Input>(arguments.sum_gradient + place.token * arguments.sum_gradient_row_bytes +
                             place.column * kInputPieceBytes,
                         place.count, added);
#pragma unroll
    for (int i = 0; i < kElements; ++i) inner[i] = fused_multiply_add(factor, inner[i], added[i]);
  }
  store_elements<Input>(
      arguments.values + place.token * arguments.values_row_bytes + place.column * kInputPieceBytes,
      place.count, inner);
}

// Where an accumulator has a thread's elements.
OPPARITY_FUNCTION float* accumulator_of(const KernelArguments& arguments, uint32_t number,
                                        const Place& place) {
  return arguments.workspace + static_cast<int64_t>(number) * arguments.hidden_size +
         static_cast<int64_t>(place.column) * kElements;
}

template <typename Functor>
OPPARITY_FUNCTION void differentiate_row(const KernelArguments& arguments, uint32_t token,
                                         uint32_t number, uint32_t thread,
                                         Numbers (&weights)[kKept]) {
  const uint32_t steps = kKeeps ? kSteps : arguments.last_piece / kRowThreads + 1;
  const Place row{token, 0, true, 0};
  Numbers xs[kKept], terms[kKept];
  RowSum squares = RowSum::zero(), products = RowSum::zero();
#pragma unroll kKept
  for (uint32_t step = 0; step < steps; ++step) {
    const Place place = place_of_step(arguments, row, thread, step);
    Numbers& x = xs[kKeeps ? step : 0];
    Numbers& own = terms[kKeeps ? step : 0];
    load_numbers(arguments, place, x);
    load_terms<Functor>(arguments, place, own);
    Numbers scaled;
#pragma unroll
    for (int i = 0; i < kElements; ++i) scaled[i] = own[i];
    times_column<Functor>(arguments, place, scaled);
    RowSum::add(squares, x, x, step);
    RowSum::add(products, scaled, x, step);
  }
  const Number factor =
      Functor::row(RowSum::total(squares, thread), arguments.inverse_width, arguments.parameters);
  if constexpr (!kIsWarpRow) synchronise_block();
  const Number share =
      share_of_row(RowSum::total(products, thread), factor, arguments.inverse_width);
#pragma unroll kKept
  for (uint32_t step = 0; step < steps; ++step) {
    const Place place = place_of_step(arguments, row, thread, step);
    if (!place.is_inside) continue;
    Numbers& x = xs[kKeeps ? step : 0];
    Numbers& own = terms[kKeeps ? step : 0];
    if constexpr (!kKeeps) {
      load_numbers(arguments, place, x);
      load_terms<Functor>(arguments, place, own);
    }
    store_gradient<Functor>(arguments, place, factor, share, x, own);
    Numbers normalised;
#pragma unroll
    for (int i = 0; i < kElements; ++i) normalised[i] = x[i] * factor;
    if constexpr (kTakesGate<Functor>) {
      store_gate_gradient<Functor>(arguments, place, normalised);
    }
    if (arguments.workspace == nullptr) continue;
    float* memory = accumulator_of(arguments, number, place);
    Numbers& sum = weights[kKeeps ? step : 0];
#pragma unroll
    for (int i = 0; i < kElements; ++i) {
      if constexpr (!kKeeps) {
        const bool is_first = token == number || static_cast<uint32_t>(i) >= place.count;
        sum[i] = is_first ? 0.0f : memory[i];
      }
      sum[i] = fused_multiply_add(own[i], normalised[i], sum[i]);
      if constexpr (!kKeeps) {
        if (static_cast<uint32_t>(i) < place.count) memory[i] = sum[i];
      }
    }
  }
}

template <typename Functor>
OPPARITY_FUNCTION void rows_backward(const KernelArguments& arguments) {
  constexpr uint32_t kRows = opparity::kThreadsOfABlock / kRowThreads;
  const uint32_t thread = thread_index() % kRowThreads;
  const uint32_t number = block_index_x() * kRows + thread_index() / kRowThreads;
  // Warps leave whole.
  if (kIsWarpRow && number >= arguments.step) return;
  let_next_kernel_start();
  wait_for_previous_kernel();
  Numbers weights[kKept];
#pragma unroll
  for (int step = 0; step < kKept; ++step) {
#pragma unroll
    for (int i = 0; i < kElements; ++i) weights[step][i] = 0.0f;
  }
  for (uint32_t token = number; token < arguments.num_tokens; token += arguments.step) {
    differentiate_row<Functor>(arguments, token, number, thread, weights);
    // What a row's threads share is the next row's.
    if constexpr (!kIsWarpRow) synchronise_block();
  }
  if (!kKeeps || arguments.workspace == nullptr) return;
#pragma unroll kKept
  for (uint32_t step = 0; step < kKept; ++step) {
    const Place place = place_of_step(arguments, Place{0, 0, true, 0}, thread, step);
    if (!place.is_inside) continue;
    float* memory = accumulator_of(arguments, number, place);
#pragma unroll
    for (int i = 0; i < kElements; ++i) {
      if (static_cast<uint32_t>(i) < place.count) memory[i] = weights[step][i];
    }
  }
}

// The sum of 2^kLevel neighbours of a column's accumulators; those that no row went to are zero.
template <int kLevel>
OPPARITY_FUNCTION Number sum_of_column(const KernelArguments& arguments, uint32_t first,
                                       uint32_t column) {
  if constexpr (kLevel == 0) {
    if (first >= arguments.step) return 0.0f;
    return arguments.workspace[static_cast<int64_t>(first) * arguments.hidden_size + column];
  } else {
    const Number one = sum_of_column<kLevel - 1>(arguments, first, column);
    return one + sum_of_column<kLevel - 1>(arguments, first + (1u << (kLevel - 1)), column);
  }
}

// A warp has an eighth of the accumulators of 32 columns.
OPPARITY_FUNCTION void add_accumulators(const KernelArguments& arguments) {
  constexpr int kLevel = 5;
  static_assert(kColumnAccumulators == kRowWarps << kLevel);
  OPPARITY_SHARED Number shared[kRowWarps][kRowLanes];
  const uint32_t lane = thread_index() % kRowLanes, warp = thread_index() / kRowLanes;
  const uint32_t column = block_index_x() * kRowLanes + lane;
  let_next_kernel_start();
  wait_for_previous_kernel();
  const bool is_inside = column < arguments.hidden_size;
  shared[warp][lane] = is_inside ? sum_of_column<kLevel>(arguments, warp << kLevel, column) : 0.0f;
  synchronise_block();
  if (warp != 0 || !is_inside) return;
  Number part[kRowNeighbours];
#pragma unroll
  for (int i = 0; i < kRowNeighbours; ++i) part[i] = shared[i][lane];
  Input::store_one(arguments.weight_gradient, static_cast<int>(column),
                   sum_of_neighbours(part) + 0.0f);
}

}  // namespace
