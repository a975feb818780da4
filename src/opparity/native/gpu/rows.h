// Rows, for producers that reduce and for scales by token: a block of 256 threads has a row, or a
// warp has one where it is narrow. gpu/kernel.h includes this for its row shapes, with
//   OPPARITY_BY_TOKEN   1 where a row has one scale
//   OPPARITY_RESIDUAL   1 where a residual is added to the input, 2 where their sum is not rounded
//   OPPARITY_STEPS      pieces that a thread keeps in registers; 0 where it reads them again
#pragma once

#include "native/gpu/row_products.h"
#include "native/gpu/row_sums.h"

namespace {

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
