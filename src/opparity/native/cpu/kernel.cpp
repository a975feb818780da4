// The CPU kernel but for its producers, compiled for each capability: tiles of units, and on each
// tile two passes, one for products and one for codes.
#include <cstring>
#include <memory>
#include <utility>
#include <vector>

#include "native/cpu/tile.h"
// The platform comes before the contract.
#include "native/cpu/quantise.h"
#include "native/cpu/sums.h"
#include "native/formats/all.h"

namespace opparity::OPPARITY_CAPABILITY {

#define OPPARITY_DECLARE(NAME) ProducerKernels kernels_of_##NAME(const Call&, bool looks_up);
OPPARITY_FOR_EACH_PRODUCER(OPPARITY_DECLARE)
#undef OPPARITY_DECLARE

namespace {

using Quantise = void (*)(const Call&, const Piece&, Tile&);

ProducerKernels choose_producer(const Call& call, bool looks_up) {
  using Choose = ProducerKernels (*)(const Call&, bool);
#define OPPARITY_ENTRY(NAME) kernels_of_##NAME,
  static constexpr Choose kChoices[] = {OPPARITY_FOR_EACH_PRODUCER(OPPARITY_ENTRY)};
#undef OPPARITY_ENTRY
  return kChoices[static_cast<int>(call.producer)](call, looks_up);
}

template <bool InTurns>
Quantise choose_quantiser(const Call& call) {
#define OPPARITY_ENTRY(NAME) quantise<NAME, InTurns>,
  static constexpr Quantise kChoices[] = {OPPARITY_FOR_EACH_VALUE_FORMAT(OPPARITY_ENTRY)};
#undef OPPARITY_ENTRY
  if (call.value_format != ValueFormat::kInputType) {
    return kChoices[static_cast<int>(call.value_format)];
  }
  if constexpr (InTurns) return write_products<BFloat16, true>;
  static constexpr Quantise kUnquantised[] = {write_products<Float16, false>,
                                              write_products<BFloat16, false>,
                                              write_products<Float32, false>};
  return kUnquantised[static_cast<int>(call.input_type)];
}

// How many units are produced before they are written. What is not quantised is written unit by
// unit, so that loads and stores overlap.
int64_t units_of_a_piece(const Call& call) {
  return call.value_format == ValueFormat::kInputType ? 1 : kTile / stride_of_a_unit(call);
}

// Calls `work` with the pieces of the units [begin, end), each of one row and no larger than a
// tile.
template <typename Work>
void for_each_piece(const Call& call, int64_t begin, int64_t end, const Work& work) {
  const int64_t unit_size = elements_of_a_unit(call), row_units = units_of_a_row(call);
  const int64_t tile_units = units_of_a_piece(call), width = call.hidden_size / halves_of(call);
  int64_t token = begin / row_units, unit = begin % row_units;
  for (int64_t index = begin; index < end;) {
    const int64_t units = std::min({tile_units, row_units - unit, end - index});
    const int64_t first = unit * unit_size;
    work(Piece{.token = token,
               .first_element = first,
               .elements = std::min(units * unit_size, width - first)});
    index += units;
    unit += units;
    if (unit == row_units) {
      unit = 0;
      ++token;
    }
  }
}

int64_t units_of_a_piece(const Piece& piece) {
  return (piece.elements + kElementsOfAUnit - 1) / kElementsOfAUnit;
}

// Multiplies a piece's products with their row's weight.
template <bool InTurns>
void weigh(const Call& call, const Piece& piece, Tile& tile) {
  const float weight = call.row_weights[piece.token];
  const int64_t unit_size = elements_of_a_unit(call), stride = stride_of_a_unit(call);
  float* unit = tile.products;
  uint32_t* amax = tile.amax;
  for (int64_t left = piece.elements; left > 0; left -= unit_size) {
    Bits largest{};
    float* products = unit;
    for (int64_t rest = std::min(left, unit_size); rest > 0; rest -= kChunk) {
      store(products, load<Number>(products) * weight);
      store(products + kLanes, load<Number>(products + kLanes) * weight);
      largest = larger(largest, clear_behind<InTurns>(products, rest));
      products += kChunk;
    }
    unit += stride;
    *amax++ = largest_of(largest);
  }
}

// The products of a piece of sums: as those of a row that is no longer than the piece.
[[gnu::noinline]] void make_products_of_sums(const Call& call, const ProducerKernels& producer,
                                             const Piece& piece, Tile& tile) {
  using Scale = void (*)(const Call&, const Piece&, void*);
  static constexpr Scale kChoices[] = {scale_piece<Float16>, scale_piece<BFloat16>,
                                       scale_piece<Float32>};
  // Gates and ups, of the widest type.
  alignas(64) float numbers[2 * kTile];
  kChoices[static_cast<int>(call.input_type)](call, piece, numbers);
  Call scaled = call;
  scaled.input = numbers;
  scaled.hidden_size = piece.elements;
  producer.produce(scaled, {0, 0, piece.elements}, tile);
}

// The products of a piece, and the largest magnitudes of its units.
void make_products(const Call& call, const ProducerKernels& producer, const Piece& piece,
                   Tile& tile) {
  if (reads_sums(call)) {
    make_products_of_sums(call, producer, piece, tile);
    return;
  }
  producer.produce(call, piece, tile);
  if (call.row_weights == nullptr) return;
  (is_in_turns(call) ? weigh<true> : weigh<false>)(call, piece, tile);
}

// Gradients of a piece, quantised by rows: of each half where there are halves. They stay in the
// tiles.
void compute_gradients(const Call& call, const ProducerKernels& producer, Quantise quantise,
                       const Piece& piece, Tile (&tiles)[2]) {
  producer.produce_gradients(call, piece, tiles[0], tiles[1]);
  quantise(call, piece, tiles[0]);
  if (!has_gradients_in_halves(call)) return;
  const int64_t first = call.hidden_size / 2 + piece.first_element;
  quantise(call, {piece.token, first, piece.elements}, tiles[1]);
}

// Rows [begin, end). Where a row has one scale, all its products are kept until that is known.
void compute_rows(const Call& call, const ProducerKernels& producer, Quantise quantise,
                  int64_t begin, int64_t end) {
  const int64_t row_units = units_of_a_row(call);
  std::vector<Tile> tiles(call.is_by_token ? (call.hidden_size + kTile - 1) / kTile : 1);
  for (int64_t token = begin; token < end; ++token) {
    const int64_t first = token * row_units, last = first + row_units;
    const float factor = producer.reduce == nullptr ? 1.0f : producer.reduce(call, token);
    if (!call.is_by_token) {
      tiles[0].row_factor = factor;
      for_each_piece(call, first, last, [&](const Piece& piece) {
        make_products(call, producer, piece, tiles[0]);
        quantise(call, piece, tiles[0]);
      });
      continue;
    }
    const auto tile_of = [&](const Piece& piece) -> Tile& {
      return tiles[piece.first_element / kTile];
    };
    uint32_t amax = 0;
    for_each_piece(call, first, last, [&](const Piece& piece) {
      Tile& tile = tile_of(piece);
      tile.row_factor = factor;
      make_products(call, producer, piece, tile);
      for (int64_t i = 0; i < units_of_a_piece(piece); ++i) amax = std::max(amax, tile.amax[i]);
    });
    for_each_piece(call, first, last, [&](const Piece& piece) {
      Tile& tile = tile_of(piece);
      std::fill_n(tile.amax, units_of_a_piece(piece), amax);
      quantise(call, piece, tile);
    });
  }
}

}  // namespace
}  // namespace opparity::OPPARITY_CAPABILITY

#include "native/cpu/columns.h"

namespace opparity::OPPARITY_CAPABILITY {

void compute(const Call& call, bool looks_up, int64_t begin, int64_t end) {
  const ProducerKernels producer = choose_producer(call, looks_up);
  if (call.is_backward && works_on_rows(call)) {
    for (int64_t token = begin; token < end; ++token) {
      producer.differentiate(call, {token, 0, call.hidden_size});
    }
    return;
  }
  if (call.is_backward) {
    for_each_piece(call, begin, end,
                   [&](const Piece& piece) { producer.differentiate(call, piece); });
    return;
  }
  const Quantise quantise =
      is_in_turns(call) ? choose_quantiser<true>(call) : choose_quantiser<false>(call);
  if (call.quantises_gradient) {
    Tile tiles[2];
    for_each_piece(call, begin, end, [&](const Piece& piece) {
      compute_gradients(call, producer, quantise, piece, tiles);
    });
    return;
  }
  if (works_on_rows(call)) {
    compute_rows(call, producer, quantise, begin, end);
    return;
  }
  Tile tile;
  for_each_piece(call, begin, end, [&](const Piece& piece) {
    make_products(call, producer, piece, tile);
    quantise(call, piece, tile);
  });
}

void with_columns(const Call& call, bool looks_up, int64_t begin, int64_t end) {
  const ProducerKernels producer = choose_producer(call, looks_up);
  const Quantise quantise =
      is_in_turns(call) ? choose_quantiser<true>(call) : choose_quantiser<false>(call);
  const int64_t halves = halves_of(call), half = call.hidden_size / halves;
  Strip strip(call);
  Tile tiles[2];
  for (int64_t block = begin; block < end; ++block) {
    const int64_t first = block * kTokensOfABlock;
    const int64_t tokens = std::min(kTokensOfABlock, call.num_tokens - first);
    for (int64_t column = 0; column < half; column += kColumnsOfAStrip) {
      const int64_t columns = std::min(kColumnsOfAStrip, half - column);
      for (int64_t token = 0; token < tokens; ++token) {
        const Piece piece{first + token, column, columns};
        if (call.quantises_gradient) {
          compute_gradients(call, producer, quantise, piece, tiles);
        } else {
          producer.produce(call, piece, tiles[0]);
          quantise(call, piece, tiles[0]);
        }
        for (int64_t own = 0; own < halves; ++own) strip.keep(token, own, tiles[own], columns);
      }
      strip.quantise(first, tokens, column, columns);
    }
  }
}

void sum_columns(const Call& call, bool looks_up, int64_t begin, int64_t end) {
  const ProducerKernels producer = choose_producer(call, looks_up);
  for (int64_t block = begin; block < end; ++block) producer.sum_columns(call, block);
}

}  // namespace opparity::OPPARITY_CAPABILITY
