// Rows, for producers that reduce and for scales by token: a block of 256 threads has a row, or a
// warp has one where it is narrow. gpu/kernel.h includes this for its row shapes, with
//   OPPARITY_BY_TOKEN   1 where a row has one scale
//   OPPARITY_RESIDUAL   1 where a residual is added to the input, 2 where their sum is not rounded
//   OPPARITY_WEIGHT     1 where a norm has a weight
//   OPPARITY_STEPS      pieces that a thread keeps in registers; 0 where it reads them again
#pragma once

#include "native/gpu/group_scales.h"
#include "native/gpu/row_products.h"
#include "native/gpu/row_sums.h"

namespace {

// Whether the scales of a row's groups are worked out for several steps at once.
constexpr bool kSpreadsSteps = kGroupSize > 0 && kSteps > 1;

template <typename Format>
OPPARITY_FUNCTION void store_step(const KernelArguments& arguments, const Place& place,
                                  const Piece<Product>& products, uint32_t amax, Number factor) {
  if constexpr (Format::kBits > 8) {
    if (!place.is_inside) return;
    store_piece_of(arguments.values + place.token * arguments.values_row_bytes +
                       place.column * kInputPieceBytes,
                   place.count, products);
  } else {
    Number numbers[kElements];
    Product::widen(products.words, numbers);
    uint32_t codes[kCodeWords<Format, kElements>];
    encode_all<Format, kMayExceed>(numbers, factor, amax, codes);
    if (place.is_inside) store_codes<Format>(arguments, place, codes);
  }
}

// The factor of a row that a producer reduces to a number; 1 for others.
template <typename Functor>
OPPARITY_FUNCTION Number row_factor(const KernelArguments& arguments, const Place& row,
                                    uint32_t thread, uint32_t steps, RowPart (&parts)[kKept]) {
  if constexpr (!kReduces<Functor>) {
    return 1.0f;
  } else {
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
    return Functor::row(RowSum::total(sum, thread), arguments.inverse_width, arguments.parameters);
  }
}

// The values of a row, and its groups' scales, whose steps are worked out one after another.
template <typename Functor, typename Format>
OPPARITY_FUNCTION void write_steps(const KernelArguments& arguments, const Place& row,
                                   uint32_t thread, uint32_t steps, Number factor,
                                   RowPart (&parts)[kKept]) {
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
    if constexpr (kGroupSize > 0) {
      amax = maximum_of_lanes<kLanes>(amax);
      scale = scale_of_group<Format>(arguments, place, amax);
      if (place.is_inside && place.column % kLanes == 0) store_scale(arguments, place, scale);
    }
    store_step<Format>(arguments, place, part.products, kIsByToken ? row_amax : amax, scale.factor);
  }
}

// The same, all steps at once.
template <typename Functor, typename Format>
OPPARITY_FUNCTION void write_groups(const KernelArguments& arguments, const Place& row,
                                    uint32_t thread, Number factor, RowPart (&parts)[kKept]) {
  uint32_t amax[kKept];
  Number factors[kKept];
#pragma unroll
  for (uint32_t step = 0; step < kKept; ++step) {
    const Place place = place_of_step(arguments, row, thread, step);
    amax[step] = produce_step<Functor>(arguments, place, factor, parts[step]);
  }
  const uint32_t lane = thread % kLanes;
  factors_of_groups<Format, kLanes>(arguments, lane, amax, factors, [&](uint32_t step) {
    return place_of_step(arguments, row, thread - lane, step);
  });
#pragma unroll
  for (uint32_t step = 0; step < kKept; ++step) {
    const Place place = place_of_step(arguments, row, thread, step);
    store_step<Format>(arguments, place, parts[step].products, amax[step], factors[step]);
  }
}

// What is to be done of a row that was read ahead, if it is kept.
template <typename Functor, typename Format>
OPPARITY_FUNCTION void finish_row(const KernelArguments& arguments, const Place& row,
                                  uint32_t thread, uint32_t steps, RowPart (&parts)[kKept]) {
  const Number factor = row_factor<Functor>(arguments, row, thread, steps, parts);
  if constexpr (kSpreadsSteps) {
    write_groups<Functor, Format>(arguments, row, thread, factor, parts);
  } else {
    write_steps<Functor, Format>(arguments, row, thread, steps, factor, parts);
  }
}

template <typename Functor, typename Format>
OPPARITY_FUNCTION void compute_row(const KernelArguments& arguments, const Place& row,
                                   uint32_t thread) {
  RowPart parts[kKept];
  read_ahead<Functor>(arguments, row, thread, parts);
  const uint32_t steps = kKeeps ? kSteps : arguments.last_piece / kRowThreads + 1;
  finish_row<Functor, Format>(arguments, row, thread, steps, parts);
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

// Rows one after another, where the next one is on its way while a block works on one. The weight
// is read once.
template <typename Functor, typename Format>
OPPARITY_FUNCTION void staying_rows(const KernelArguments& arguments, uint32_t thread) {
  Place row{block_index_x(), 0, true, 0};
  RowPart parts[kKept];
  read_ahead<Functor>(arguments, row, thread, parts);
#pragma unroll 1
  for (;;) {
    Place next = row;
    next.token += arguments.step;
    const bool goes_on = next.token < arguments.num_tokens;
    RowPart next_parts[kKept];
    if (goes_on) {
#pragma unroll
      for (int step = 0; step < kKept; ++step) {
        const Place place = place_of_step(arguments, next, thread, step);
        load_part<Functor>(arguments, place, next_parts[step]);
        if constexpr (kTakesGate<Functor>) load_gate(arguments, place, next_parts[step]);
      }
    }
    load_no_later();
    finish_row<Functor, Format>(arguments, row, thread, kSteps, parts);
    if (!goes_on) break;
    // What a row's threads share is the next row's.
    synchronise_block();
#pragma unroll
    for (int step = 0; step < kKept; ++step) {
      parts[step].input = next_parts[step].input;
      parts[step].other = next_parts[step].other;
      parts[step].gate = next_parts[step].gate;
    }
    // Of a whole record AMD's compiler would keep the padding in shared memory.
    row.token = next.token;
  }
}

template <typename Functor, typename Format>
OPPARITY_FUNCTION void rows(const KernelArguments& arguments) {
  constexpr uint32_t kRows = kIsWarpRow ? opparity::kThreadsOfABlock / kRowThreads : 1;
  const uint32_t thread = thread_index() % kRowThreads;
  const uint32_t token = block_index_x() * kRows + thread_index() / kRowThreads;
  // Warps leave whole.
  if (!kHasExperts && kIsWarpRow && token >= arguments.num_tokens) return;
  let_next_kernel_start();
  wait_for_previous_kernel();
  if constexpr (kHasExperts) {
    rows_of_experts<Functor, Format>(arguments, token, thread);
  } else if constexpr (kShape == Shape::kStayingRow) {
    staying_rows<Functor, Format>(arguments, thread);
  } else {
    compute_row<Functor, Format>(arguments, Place{token, 0, true, 0}, thread);
  }
}

}  // namespace
