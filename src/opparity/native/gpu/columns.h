// Rows and columns of one read: a block has a tile of 128 x 128 values, of which a thread takes
// eight rows' neighbours. It writes rows as they come, and hands the products to the threads of
// their columns, 32 columns at a time. gpu/kernel.h includes this with OPPARITY_COLUMNS.
#pragma once

#include "native/gpu/columns_plan.h"
#include "native/gpu/products.h"

namespace {

constexpr uint32_t kTile = opparity::kTileOfColumns;
constexpr uint32_t kPiecesOfATile = kTile / kElements;
constexpr uint32_t kRowsAtOnce = opparity::kThreadsOfATile / kPiecesOfATile;
constexpr int kTurns = kTile / kRowsAtOnce;
// Columns that change hands at once, and tokens of a thread then.
constexpr uint32_t kColumnsAtOnce = 32;
constexpr int kTokensOfAThread = kTile * kColumnsAtOnce / opparity::kThreadsOfATile;
constexpr int kLanesOfAColumn = kGroupSize / kTokensOfAThread;
static_assert(kLanesOfAColumn >= 1 && kGroupSize <= static_cast<int>(kTile));

// What the kernel would be told of the columns as rows.
OPPARITY_FUNCTION KernelArguments turned(const KernelArguments& arguments) {
  KernelArguments columns = arguments;
  columns.values = arguments.column_values;
  columns.scales = arguments.column_scales;
  columns.values_row_bytes = arguments.column_row_bytes;
  columns.place = arguments.column_place;
  columns.num_tokens = arguments.hidden_size;
  columns.hidden_size = arguments.num_tokens;
  return columns;
}

template <typename Format>
OPPARITY_FUNCTION void store_column(const KernelArguments& columns, const Place& place,
                                    uint32_t first_token,
                                    const uint32_t (&codes)[kCodeWords<Format, kTokensOfAThread>]) {
  char* address =
      columns.values + static_cast<int64_t>(place.token) * columns.values_row_bytes + first_token;
  const bool is_aligned = reinterpret_cast<uint64_t>(address) % kTokensOfAThread == 0;
  if (is_aligned && place.count == kTokensOfAThread) {
    store_piece<kTokensOfAThread>(address, codes);
  } else {
    store_bytes(address, codes, place.count);
  }
}

// Tokens of a column that a thread has got.
template <typename Format>
OPPARITY_FUNCTION void write_column(const KernelArguments& columns, uint32_t column,
                                    uint32_t first_token,
                                    const Number (&products)[kTokensOfAThread]) {
  Number largest = 0.0f;
#pragma unroll
  for (int i = 0; i < kTokensOfAThread; ++i) {
    largest = maximum_or_nan(largest, magnitude(products[i]));
  }
  const uint32_t amax = maximum_of_lanes<kLanesOfAColumn>(bits_of(largest));
  const uint32_t group = first_token / kGroupSize;
  Place place{column, group * kLanes, false, 0};
  place.is_inside = column < columns.num_tokens && first_token < columns.hidden_size;
  const GroupScale scale = scale_of_group<Format>(columns, place, amax);
  uint32_t codes[kCodeWords<Format, kTokensOfAThread>];
  encode_all<Format, kMayExceed>(products, scale.factor, amax, codes);
  if (!place.is_inside) return;
  const uint32_t left = columns.hidden_size - first_token;
  place.count = left < kTokensOfAThread ? left : kTokensOfAThread;
  store_column<Format>(columns, place, first_token, codes);
  if (first_token % kGroupSize == 0) store_scale(columns, place, scale);
}

template <typename Functor, typename Format>
OPPARITY_FUNCTION void with_columns(const KernelArguments& arguments) {
  // One more, so that a column's tokens lie in different banks.
  OPPARITY_SHARED Number shared[kTile][kColumnsAtOnce + 1];
  let_next_kernel_start();
  wait_for_previous_kernel();
  const uint32_t piece = thread_index() % kPiecesOfATile, row = thread_index() / kPiecesOfATile;
  const uint32_t first_token = block_index_y() * kTile, first_column = block_index_x() * kTile;
  Number products[kTurns][kElements];
#pragma unroll
  for (int turn = 0; turn < kTurns; ++turn) {
    const uint32_t token = first_token + turn * kRowsAtOnce + row;
    Place place{token, first_column / kElements + piece, false, kElements};
    place.is_inside = token < arguments.num_tokens && place.column <= arguments.last_piece;
    if (kIsUnaligned && place.column >= arguments.last_piece) {
      place.count = arguments.hidden_size - arguments.last_piece * kElements;
    }
    uint32_t amax = 0;
#pragma unroll
    for (int i = 0; i < kElements; ++i) products[turn][i] = 0.0f;
    if (place.is_inside) {
      Elements elements;
      load_input(arguments, place, elements);
      amax = produce<Functor>(arguments, place, elements, products[turn]);
    }
    write<Format>(arguments, place, products[turn], amax);
  }
  const KernelArguments columns = turned(arguments);
  constexpr uint32_t kPiecesAtOnce = kColumnsAtOnce / kElements;
  constexpr uint32_t kThreadsOfAColumn = kTile / kTokensOfAThread;
  const uint32_t column = thread_index() / kThreadsOfAColumn;
  const uint32_t begin = thread_index() % kThreadsOfAColumn * kTokensOfAThread;
#pragma unroll 1
  for (uint32_t part = 0; part < kTile / kColumnsAtOnce; ++part) {
    if (piece / kPiecesAtOnce == part) {
#pragma unroll
      for (int turn = 0; turn < kTurns; ++turn) {
#pragma unroll
        for (int i = 0; i < kElements; ++i) {
          shared[turn * kRowsAtOnce + row][piece % kPiecesAtOnce * kElements + i] =
              products[turn][i];
        }
      }
    }
    synchronise_block();
    Number own[kTokensOfAThread];
#pragma unroll
    for (int i = 0; i < kTokensOfAThread; ++i) own[i] = shared[begin + i][column];
    write_column<Format>(columns, first_column + part * kColumnsAtOnce + column,
                         first_token + begin, own);
    synchronise_block();
  }
}

}  // namespace
