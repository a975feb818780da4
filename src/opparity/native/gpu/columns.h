// Rows and columns of one read: a block has a tile of 128 x 128 values, or one of gates' gradients
// and the same one of ups', and a thread of it eight neighbours of eight rows, whose products stay
// in registers. It writes rows as they come. Of columns the threads of a group hand each other
// largest magnitudes and factors, and then codes, which are a byte where products are two or four.
// gpu/kernel.h includes this with OPPARITY_COLUMNS.
#pragma once

#include "native/gpu/columns_plan.h"
#include "native/gpu/gradients.h"
#include "native/gpu/group_scales.h"

namespace {

constexpr uint32_t kTile = opparity::kTileOfColumns;
constexpr uint32_t kThreads = opparity::kThreadsOfATile;
constexpr uint32_t kPiecesOfATile = kTile / kElements;
// Rows of a thread, one after another, and threads that share a column.
constexpr int kTurns = kTile / (kThreads / kPiecesOfATile);
constexpr uint32_t kThreadsOfAColumn = kTile / kTurns;
static_assert(kTurns == kElements, "a thread has a square");

template <typename Functor>
constexpr bool kIsExact = requires { requires Functor::kIsExact; };
// What products are kept as until the columns' factors are known: the input's 16 bits, if they hold
// each of them.
template <bool kFits>
struct KeptType {
  using Type = Input;
};
template <>
struct KeptType<false> {
  using Type = Float32;
};
using Kept = KeptType<kIntermediate != Intermediate::kFloat32 || kIsExact<OPPARITY_PRODUCER>>::Type;
constexpr uint32_t kKeptWords = words_of<Kept>(kElements);
constexpr uint32_t kColumnsOfAWord = kElements / kKeptWords;

// Groups of tokens in a tile, and threads that share one.
constexpr uint32_t kGroupsOfAColumn = kTile / kGroupSize;
constexpr uint32_t kThreadsOfAGroup = kThreadsOfAColumn / kGroupsOfAColumn;
constexpr uint32_t kFactors = kTile * kGroupsOfAColumn;
static_assert(kGroupSize % kTurns == 0 && kTile % kGroupSize == 0);

// Tiles that a block has.
constexpr uint32_t kParts = kTakesBothHalves ? 2 : 1;

// Codes of a column in chunks of eight tokens, which are a thread's.
constexpr uint32_t kWordsOfAChunk = kTurns / 4;
// Eight banks.
constexpr uint32_t kShift = 8;

// What a warp's threads read, and write, at once lies in different banks: the groups' maxima and
// factors are shifted, and where a column's chunk is depends on the column.
struct SharedTile {
  // Largest magnitudes of threads' columns, and later codes.
  alignas(16) uint32_t words[kTile * kThreadsOfAColumn * kWordsOfAChunk];
  alignas(16) Number factors[kFactors + kGroupsOfAColumn * kShift];
  alignas(16) uint32_t amax[kFactors + kGroupsOfAColumn * kShift];

  OPPARITY_MEMBER uint32_t* maxima(SharedTile& tile, uint32_t thread_of_column) {
    const uint32_t shift = thread_of_column / kThreadsOfAGroup * kShift;
    return tile.words + thread_of_column * (kTile / kColumnsOfAWord) + shift;
  }
  OPPARITY_MEMBER uint32_t factor(uint32_t group, uint32_t column) {
    return group * (kTile + kShift) + column;
  }
  OPPARITY_MEMBER uint32_t* codes(SharedTile& tile, uint32_t column, uint32_t chunk) {
    const uint32_t place = chunk ^ (column / kElements);
    return tile.words + (column * kThreadsOfAColumn + place) * kWordsOfAChunk;
  }
};
static_assert(kPiecesOfATile == kThreadsOfAColumn, "chunks change places within a column");

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

// A thread's piece of a tile's turn.
OPPARITY_FUNCTION Place place_of_turn(const KernelArguments& arguments, uint32_t thread, int turn) {
  const uint32_t piece = thread % kPiecesOfATile, rows = thread / kPiecesOfATile;
  Place place{block_index_y() * kTile + rows * kTurns + turn,
              block_index_x() * kPiecesOfATile + piece, false, kElements};
  place.is_inside = place.token < arguments.num_tokens && place.column <= arguments.last_piece;
  if (kIsUnaligned && !kTakesBothHalves && place.column >= arguments.last_piece) {
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

template <int kCount>
OPPARITY_FUNCTION void load_turns(const KernelArguments& arguments, int first,
                                  Elements (&elements)[kCount]) {
#pragma unroll
  for (int i = 0; i < kCount; ++i) {
    load_turn(arguments, place_of_turn(arguments, thread_index(), first + i), elements[i]);
  }
  load_no_later();
}

// What a thread's piece of each tile has to be quantised, and the largest magnitudes; zeros
// outside. Written without a loop, as one over a single part would keep nvcc 13.0 from unrolling
// the loop around it.
template <typename Functor>
OPPARITY_FUNCTION void numbers_of_parts(const KernelArguments& arguments, const Place& place,
                                        Elements& elements, Number (&numbers)[kParts][kElements],
                                        uint32_t (&amax)[kParts]) {
  const auto clear_outside = [&](uint32_t part) {
    if (place.is_inside) return;
    amax[part] = 0;
#pragma unroll
    for (Number& number : numbers[part]) number = 0.0f;
  };
  if constexpr (kTakesBothHalves) {
    differentiate_all<Functor>(arguments, elements);
#pragma unroll
    for (int i = 0; i < kElements; ++i) {
      numbers[0][i] = elements.gate[i];
      numbers[1][i] = elements.up[i];
    }
    amax[0] = round_and_measure(place, numbers[0]);
    amax[1] = round_and_measure(place, numbers[1]);
    clear_outside(1);
  } else {
    amax[0] = numbers_of<Functor>(arguments, place, elements, numbers[0]);
  }
  clear_outside(0);
}

// The rows' codes and scales of turns.
template <typename Format, int kCount>
OPPARITY_FUNCTION void write_turns(const KernelArguments& arguments, uint32_t part, int first,
                                   const uint32_t (&amax)[kCount][kParts],
                                   const Number (&products)[kCount][kParts][kElements]) {
  const uint32_t thread = thread_index(), lane = thread % kLanes;
  const auto place_of = [&](uint32_t of_thread, uint32_t turn) {
    Place place = place_of_turn(arguments, of_thread, first + static_cast<int>(turn));
    place.column += part * arguments.row_pieces;
    return place;
  };
  uint32_t largest[kCount];
  Number factors[kCount];
#pragma unroll
  for (int i = 0; i < kCount; ++i) largest[i] = amax[i][part];
  factors_of_groups<Format, kLanes>(arguments, lane, largest, factors,
                                    [&](uint32_t turn) { return place_of(thread - lane, turn); });
#pragma unroll
  for (int i = 0; i < kCount; ++i) {
    uint32_t codes[kCodeWords<Format, kElements>];
    encode_all<Format, kMayExceed>(products[i][part], factors[i], largest[i], codes);
    const Place place = place_of(thread, i);
    if (place.is_inside) store_codes<Format>(arguments, place, codes);
  }
}

// Hands the largest magnitudes of a thread's columns to the others.
OPPARITY_FUNCTION void put_maxima(SharedTile& tile, const uint32_t (&kept)[kTurns][kKeptWords]) {
  uint32_t maxima[kKeptWords];
#pragma unroll
  for (uint32_t i = 0; i < kKeptWords; ++i) {
    maxima[i] = Kept::magnitudes(kept[0][i]);
#pragma unroll
    for (int turn = 1; turn < kTurns; ++turn) {
      maxima[i] = Kept::larger_magnitudes(maxima[i], Kept::magnitudes(kept[turn][i]));
    }
  }
  const uint32_t piece = thread_index() % kPiecesOfATile;
  uint32_t* row = SharedTile::maxima(tile, thread_index() / kPiecesOfATile);
  store_words(reinterpret_cast<char*>(row + piece * kKeptWords), maxima);
}

// The number of a column in a word that has it and perhaps its neighbour.
template <typename Type>
OPPARITY_FUNCTION Number number_in(uint32_t word, uint32_t column) {
  if constexpr (Type::kBytes == 2) {
    return column % 2 == 0 ? Type::low(word) : Type::high(word);
  } else {
    return number_of(word);
  }
}

// Columns of a tile: where they begin, and where those end that the tile's part has.
struct Columns {
  uint32_t first, end;
};

// From all threads' maxima the factors of the tile's columns, whose scales are written: of one
// column's groups by neighbours, so that bytes are written side by side.
template <typename Format>
OPPARITY_FUNCTION void find_factors(const KernelArguments& turned, SharedTile& tile,
                                    const Columns& columns) {
#pragma unroll
  for (uint32_t index = thread_index(); index < kFactors; index += kThreads) {
    const uint32_t column = index / kGroupsOfAColumn, group = index % kGroupsOfAColumn;
    uint32_t largest = 0;
#pragma unroll
    for (uint32_t i = 0; i < kThreadsOfAGroup; ++i) {
      const uint32_t* row = SharedTile::maxima(tile, group * kThreadsOfAGroup + i);
      largest = Kept::larger_magnitudes(largest, row[column / kColumnsOfAWord]);
    }
    const uint32_t amax = bits_of(number_in<Kept>(largest, column));
    const uint32_t first_token = block_index_y() * kTile + group * kGroupSize;
    Place place{columns.first + column, first_token / kElements, false, 0};
    place.is_inside = place.token < columns.end && first_token < turned.hidden_size;
    const GroupScale scale = scale_of_group<Format>(turned, place, amax);
    if (place.is_inside) store_scale(turned, place, scale);
    tile.factors[SharedTile::factor(group, column)] = scale.factor;
    if constexpr (!kEncodesNan<Format>) tile.amax[SharedTile::factor(group, column)] = amax;
  }
}

// Hands the codes of a thread's columns to those that write them.
template <typename Format>
OPPARITY_FUNCTION void put_codes(SharedTile& tile, const uint32_t (&kept)[kTurns][kKeptWords]) {
  const uint32_t piece = thread_index() % kPiecesOfATile, chunk = thread_index() / kPiecesOfATile;
  const uint32_t first = SharedTile::factor(chunk / kThreadsOfAGroup, piece * kElements);
  uint32_t words[kElements], amax[kElements] = {};
  load_words(words, reinterpret_cast<const char*>(tile.factors + first));
  if constexpr (!kEncodesNan<Format>) {
    load_words(amax, reinterpret_cast<const char*>(tile.amax + first));
  }
#pragma unroll
  for (uint32_t i = 0; i < kElements; ++i) {
    Number products[kTurns];
#pragma unroll
    for (int turn = 0; turn < kTurns; ++turn) {
      products[turn] = number_in<Kept>(kept[turn][i / kColumnsOfAWord], i);
    }
    uint32_t codes[kWordsOfAChunk];
    encode_all<Format, kMayExceed>(products, number_of(words[i]), amax[i], codes);
    uint32_t* place = SharedTile::codes(tile, piece * kElements + i, chunk);
    store_words(reinterpret_cast<char*>(place), codes);
  }
}

// Writes the tile's columns, two chunks of one at a time.
OPPARITY_FUNCTION void write_columns(const KernelArguments& turned, SharedTile& tile,
                                     const Columns& columns) {
  constexpr uint32_t kBytes = 2 * kTurns, kPairs = kThreadsOfAColumn / 2;
#pragma unroll
  for (uint32_t index = thread_index(); index < kTile * kPairs; index += kThreads) {
    const uint32_t column = index / kPairs, chunk = index % kPairs * 2;
    // Both are side by side, in this order or the other.
    const uint32_t begin = column / kElements % 2 == 0 ? chunk : chunk + 1;
    uint32_t words[2 * kWordsOfAChunk], codes[2 * kWordsOfAChunk];
    load_words(words, reinterpret_cast<const char*>(SharedTile::codes(tile, column, begin)));
#pragma unroll
    for (uint32_t i = 0; i < 2 * kWordsOfAChunk; ++i) {
      codes[i] = begin == chunk ? words[i] : words[(i + kWordsOfAChunk) % (2 * kWordsOfAChunk)];
    }
    const uint32_t token = block_index_y() * kTile + chunk * kTurns;
    if (columns.first + column >= columns.end || token >= turned.hidden_size) continue;
    char* address = turned.values +
                    static_cast<int64_t>(columns.first + column) * turned.values_row_bytes + token;
    const uint32_t left = turned.hidden_size - token;
    if (reinterpret_cast<uint64_t>(address) % kBytes == 0 && left >= kBytes) {
      store_words(address, codes);
    } else {
      store_bytes(address, codes, left < kBytes ? left : kBytes);
    }
  }
}

// The columns' codes and scales of a tile.
template <typename Format>
OPPARITY_FUNCTION void write_part(const KernelArguments& arguments, SharedTile& tile, uint32_t part,
                                  const uint32_t (&kept)[kTurns][kKeptWords]) {
  const uint32_t width = arguments.hidden_size / kParts;
  const Columns columns{part * width + block_index_x() * kTile, (part + 1) * width};
  const KernelArguments as_rows = turned(arguments);
  put_maxima(tile, kept);
  synchronise_block();
  find_factors<Format>(as_rows, tile, columns);
  synchronise_block();
  put_codes<Format>(tile, kept);
  synchronise_block();
  write_columns(as_rows, tile, columns);
}

template <typename Functor, typename Format>
OPPARITY_FUNCTION void with_columns(const KernelArguments& arguments) {
  static_assert(Format::kBits == 8);
  OPPARITY_SHARED SharedTile tile;
  let_next_kernel_start();
  wait_for_previous_kernel();
  constexpr int kTurnsAtOnce = kIsGated ? 2 : 4;
  const uint32_t thread = thread_index();
  uint32_t kept[kParts][kTurns][kKeptWords];
  Elements elements[kTurnsAtOnce];
  load_turns(arguments, 0, elements);
#pragma unroll
  for (int first = 0; first < kTurns; first += kTurnsAtOnce) {
    Number products[kTurnsAtOnce][kParts][kElements];
    uint32_t amax[kTurnsAtOnce][kParts];
#pragma unroll
    for (int i = 0; i < kTurnsAtOnce; ++i) {
      const Place place = place_of_turn(arguments, thread, first + i);
      numbers_of_parts<Functor>(arguments, place, elements[i], products[i], amax[i]);
      Kept::pack(products[i][0], kept[0][first + i]);
      if constexpr (kTakesBothHalves) Kept::pack(products[i][1], kept[1][first + i]);
    }
    if (first + kTurnsAtOnce < kTurns) load_turns(arguments, first + kTurnsAtOnce, elements);
    write_turns<Format>(arguments, 0, first, amax, products);
    if constexpr (kTakesBothHalves) write_turns<Format>(arguments, 1, first, amax, products);
  }
  write_part<Format>(arguments, tile, 0, kept[0]);
  if constexpr (kTakesBothHalves) {
    synchronise_block();
    write_part<Format>(arguments, tile, 1, kept[1]);
  }
}

}  // namespace
