// Rows and columns of one read: a block has a tile of 128 x 128 values, of which a thread takes
// eight rows' neighbours. It writes rows as they come, and hands the products to the threads of
// their columns: all at once where 16 bits hold a product, otherwise 32 columns at a time, in which
// bfloat16 to MXFP8 took 76.6 us instead of 38.4 at 4096 x 7168 on an H200. gpu/kernel.h includes
// this with OPPARITY_COLUMNS.
#pragma once

#include "native/gpu/columns_plan.h"
#include "native/gpu/gradients.h"
#include "native/gpu/group_scales.h"

namespace {

constexpr uint32_t kTile = opparity::kTileOfColumns;
constexpr uint32_t kPiecesOfATile = kTile / kElements;
constexpr uint32_t kRowsAtOnce = opparity::kThreadsOfATile / kPiecesOfATile;
constexpr int kTurns = kTile / kRowsAtOnce;

template <typename Functor>
constexpr bool kIsExact = requires { requires Functor::kIsExact; };
// Whether the input's 16 bits hold each product, so that shared memory has room for a whole tile.
constexpr bool kHasPairs =
    Input::kBytes == 2 && (kIntermediate != Intermediate::kFloat32 || kIsExact<OPPARITY_PRODUCER>);
// Columns that change hands at once, and of a thread columns and tokens then.
constexpr uint32_t kColumnsAtOnce = kHasPairs ? kTile : 32;
constexpr uint32_t kColumnsOfAThread = kHasPairs ? 2 : 1;
constexpr int kTokensOfAThread =
    kTile * kColumnsAtOnce / kColumnsOfAThread / opparity::kThreadsOfATile;
constexpr uint32_t kThreadsOfAColumn = kTile / kTokensOfAThread;
constexpr int kLanesOfAColumn = kGroupSize / kTokensOfAThread;
static_assert(kLanesOfAColumn >= 1 && kGroupSize <= static_cast<int>(kTile));

// Products between the threads of their rows and those of their columns: words of two columns, or
// of one number. Four tokens more than a row has, and eight between threads, so that what a warp
// reads lies in different banks.
struct SharedTile {
  static constexpr uint32_t kRowWords = kColumnsAtOnce / kColumnsOfAThread + (kHasPairs ? 4 : 1);
  static constexpr uint32_t kShift = kHasPairs ? 8 : 0;
  alignas(16) uint32_t words[kTile * kRowWords + (kThreadsOfAColumn - 1) * kShift];

  OPPARITY_MEMBER uint32_t* at(SharedTile& tile, uint32_t token, uint32_t word) {
    return tile.words + token * kRowWords + token / kTokensOfAThread * kShift + word;
  }
};

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

// Tokens of neighbouring columns that a thread has got.
template <typename Format>
OPPARITY_FUNCTION void write_columns_of_thread(
    const KernelArguments& columns, uint32_t column, uint32_t first_token,
    const Number (&products)[kColumnsOfAThread][kTokensOfAThread]) {
  uint32_t amax[kColumnsOfAThread];
  Number factors[kColumnsOfAThread];
#pragma unroll
  for (uint32_t c = 0; c < kColumnsOfAThread; ++c) {
    Number largest = 0.0f;
#pragma unroll
    for (int i = 0; i < kTokensOfAThread; ++i) {
      largest = maximum_or_nan(largest, magnitude(products[c][i]));
    }
    amax[c] = bits_of(largest);
  }
  const uint32_t group = first_token / kGroupSize;
  const auto place_of = [&](uint32_t c, uint32_t token) {
    Place place{column + c, group * kLanes, false, 0};
    place.is_inside = column + c < columns.num_tokens && token < columns.hidden_size;
    return place;
  };
  factors_of_groups<Format, kLanesOfAColumn>(
      columns, thread_index() % kLanesOfAColumn, amax, factors,
      [&](uint32_t c) { return place_of(c, group * kGroupSize); });
#pragma unroll
  for (uint32_t c = 0; c < kColumnsOfAThread; ++c) {
    uint32_t codes[kCodeWords<Format, kTokensOfAThread>];
    encode_all<Format, kMayExceed>(products[c], factors[c], amax[c], codes);
    Place place = place_of(c, first_token);
    if (!place.is_inside) continue;
    const uint32_t left = columns.hidden_size - first_token;
    place.count = left < kTokensOfAThread ? left : kTokensOfAThread;
    store_column<Format>(columns, place, first_token, codes);
  }
}

// A thread's piece of a tile's turn.
OPPARITY_FUNCTION Place place_of_turn(const KernelArguments& arguments, uint32_t thread, int turn) {
  const uint32_t piece = thread % kPiecesOfATile, row = thread / kPiecesOfATile;
  Place place{block_index_y() * kTile + turn * kRowsAtOnce + row,
              block_index_x() * kPiecesOfATile + piece, false, kElements};
  place.is_inside = place.token < arguments.num_tokens && place.column <= arguments.last_piece;
  if (kIsUnaligned && place.column >= arguments.last_piece) {
    place.count = arguments.hidden_size - arguments.last_piece * kElements;
  }
  return place;
}

// The piece's input, or where it is outside another's.
OPPARITY_FUNCTION void load_turn(const KernelArguments& arguments, Place place,
                                 Elements& elements) {
  if (place.token >= arguments.num_tokens) place.token = arguments.num_tokens - 1;
  if (place.column > arguments.last_piece) place.column = arguments.last_piece;
  load_input(arguments, place, elements);
}

// Hands the products of the threads' turns to shared memory, those of one part of the columns.
OPPARITY_FUNCTION void put_products(SharedTile& tile, int turn, uint32_t part,
                                    const Number (&products)[kElements]) {
  const uint32_t piece = thread_index() % kPiecesOfATile, row = thread_index() / kPiecesOfATile;
  constexpr uint32_t kPiecesAtOnce = kColumnsAtOnce / kElements;
  if (piece / kPiecesAtOnce != part) return;
  constexpr int kWords = kElements / kColumnsOfAThread;
  uint32_t* place = SharedTile::at(tile, turn * kRowsAtOnce + row, piece % kPiecesAtOnce * kWords);
  if constexpr (kHasPairs) {
    uint32_t words[kWords];
    Input::pack(products, words);
    store_words(reinterpret_cast<char*>(place), words);
  } else {
#pragma unroll
    for (int i = 0; i < kElements; ++i) place[i] = bits_of(products[i]);
  }
}

// Writes what a thread's columns become, from shared memory.
template <typename Format, typename Pairs = Input>
OPPARITY_FUNCTION void write_columns(const KernelArguments& columns, SharedTile& tile,
                                     uint32_t part) {
  const uint32_t word = thread_index() / kThreadsOfAColumn;
  const uint32_t begin = thread_index() % kThreadsOfAColumn * kTokensOfAThread;
  const uint32_t column =
      block_index_x() * kTile + part * kColumnsAtOnce + word * kColumnsOfAThread;
  const uint32_t token = block_index_y() * kTile + begin;
  uint32_t words[kTokensOfAThread];
#pragma unroll
  for (int i = 0; i < kTokensOfAThread; ++i) words[i] = *SharedTile::at(tile, begin + i, word);
  Number own[kColumnsOfAThread][kTokensOfAThread];
#pragma unroll
  for (int i = 0; i < kTokensOfAThread; ++i) {
    if constexpr (kHasPairs) {
      own[0][i] = Pairs::low(words[i]);
      own[1][i] = Pairs::high(words[i]);
    } else {
      own[0][i] = number_of(words[i]);
    }
  }
  write_columns_of_thread<Format>(columns, column, token, own);
}

// The rows' codes and scales of turns.
template <typename Format, int kCount>
OPPARITY_FUNCTION void write_turns(const KernelArguments& arguments, int first,
                                   const uint32_t (&amax)[kCount],
                                   const Number (*products)[kElements]) {
  const uint32_t thread = thread_index(), lane = thread % kLanes;
  Number factors[kCount];
  factors_of_groups<Format, kLanes>(arguments, lane, amax, factors, [&](uint32_t turn) {
    return place_of_turn(arguments, thread - lane, first + static_cast<int>(turn));
  });
#pragma unroll
  for (int i = 0; i < kCount; ++i) {
    uint32_t codes[kCodeWords<Format, kElements>];
    encode_all<Format, kMayExceed>(products[i], factors[i], amax[i], codes);
    const Place place = place_of_turn(arguments, thread, first + i);
    if (place.is_inside) store_codes<Format>(arguments, place, codes);
  }
}

template <typename Functor, typename Format>
OPPARITY_FUNCTION void with_columns(const KernelArguments& arguments) {
  OPPARITY_SHARED SharedTile tile;
  let_next_kernel_start();
  wait_for_previous_kernel();
  constexpr int kTurnsAtOnce = kIsGated ? 2 : 4;
  // Of a whole tile's columns a turn's products can be handed on at once.
  Number products[kHasPairs ? kTurnsAtOnce : kTurns][kElements];
  const uint32_t thread = thread_index();
#pragma unroll
  for (int first = 0; first < kTurns; first += kTurnsAtOnce) {
    Elements elements[kTurnsAtOnce];
    uint32_t amax[kTurnsAtOnce];
#pragma unroll
    for (int i = 0; i < kTurnsAtOnce; ++i) {
      load_turn(arguments, place_of_turn(arguments, thread, first + i), elements[i]);
    }
    load_no_later();
    auto* const own = products + (kHasPairs ? 0 : first);
#pragma unroll
    for (int i = 0; i < kTurnsAtOnce; ++i) {
      const Place place = place_of_turn(arguments, thread, first + i);
      amax[i] = numbers_of<Functor>(arguments, place, elements[i], own[i]);
      if (!place.is_inside) {
        amax[i] = 0;
#pragma unroll
        for (Number& product : own[i]) product = 0.0f;
      }
      if constexpr (kHasPairs) put_products(tile, first + i, 0, own[i]);
    }
    write_turns<Format>(arguments, first, amax, own);
  }
  const KernelArguments columns = turned(arguments);
#pragma unroll 1
  for (uint32_t part = 0; part < kTile / kColumnsAtOnce; ++part) {
    if constexpr (!kHasPairs) {
#pragma unroll
      for (int turn = 0; turn < kTurns; ++turn) put_products(tile, turn, part, products[turn]);
    }
    synchronise_block();
    write_columns<Format>(columns, tile, part);
    if constexpr (!kHasPairs) synchronise_block();
  }
}

}  // namespace
