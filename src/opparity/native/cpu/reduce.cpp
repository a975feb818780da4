// The part of the CPU kernel of one producer that reduces, compiled for each capability:
//   OPPARITY_PRODUCER, OPPARITY_PRODUCER_FILE   the functor, and where it is
//   OPPARITY_CAPABILITY                         baseline, avx2 or avx512
// A row is read twice, for its sum and for its products; the second time it is in the cache.
#include "native/cpu/tile.h"
// The platform comes before the contract.
#include OPPARITY_PRODUCER_FILE

#include "native/cpu/rows.h"

namespace {

using opparity::InputType;
using opparity::Intermediate;
using opparity::OPPARITY_CAPABILITY::Tile;

using Producer = OPPARITY_PRODUCER;

#define OPPARITY_JOIN_NAMES(FIRST, SECOND) FIRST##SECOND
#define OPPARITY_JOIN(FIRST, SECOND) OPPARITY_JOIN_NAMES(FIRST, SECOND)

// What belongs to a token; nullptr for what it has none of.
template <typename Storage>
struct Row {
  Row(const Call& call, int64_t token)
      : input(at(call.input, token * call.input_row_bytes)),
        residual(at(call.residual, token * call.residual_row_bytes)),
        gate(at(call.gate, token * call.gate_row_bytes)),
        weight(at(call.weight, 0)),
        sum(const_cast<Storage*>(at(call.sum, token * call.sum_row_bytes))),
        keeps_sum(call.keeps_sum) {}

  const Storage* input;
  const Storage* residual;
  const Storage* gate;
  const Storage* weight;
  Storage* sum;
  bool keeps_sum;

 private:
  static const Storage* at(const void* base, int64_t bytes) {
    return base == nullptr
               ? nullptr
               : reinterpret_cast<const Storage*>(static_cast<const char*>(base) + bytes);
  }
};

// A chunk of which so many elements exist, with zeros behind them.
template <typename Type>
OPPARITY_FUNCTION Chunk load_some(const typename Type::Storage* from, int64_t elements) {
  if (elements >= kChunk) return Type::load(from);
  typename Type::Storage rest[kChunk] = {};
  std::memcpy(rest, from, static_cast<size_t>(elements) * sizeof rest[0]);
  return Type::load(rest);
}
template <typename Type>
OPPARITY_FUNCTION void store_some(typename Type::Storage* to, const Chunk& chunk,
                                  int64_t elements) {
  if (elements >= kChunk) {
    Type::store(to, chunk);
    return;
  }
  typename Type::Storage rest[kChunk];
  Type::store(rest, chunk);
  std::memcpy(to, rest, static_cast<size_t>(elements) * sizeof rest[0]);
}

// What the norm reads at a place of a row.
template <typename Input>
OPPARITY_FUNCTION Chunk elements_at(const Row<typename Input::Storage>& row, int64_t place,
                                    int64_t elements) {
  Chunk x = load_some<Input>(row.input + place, elements);
  if (row.residual == nullptr) return x;
  const Chunk residual = load_some<Input>(row.residual + place, elements);
  x.first = x.first + residual.first;
  x.second = x.second + residual.second;
  if (row.keeps_sum) return x;
  return {Input::round(x.first), Input::round(x.second)};
}

// Sums of neighbours, half as many.
OPPARITY_FUNCTION void add_neighbours(Number* sums, int count) {
  for (int i = 0; i < count / 2; ++i) {
    const Chunk turns = in_turns({sums[2 * i], sums[2 * i + 1]});
    sums[i] = turns.first + turns.second;
  }
}

// The accumulators of a warp's elements, less its neighbours: docs/numerics.md, section 9. `pairs`
// gives the two factors of a place's products, zeros where the row ends.
template <typename Input, typename Pairs>
OPPARITY_FUNCTION void sum_warp(const Pairs& pairs, int64_t first, int64_t width, float* lanes) {
  constexpr int kChunks = kRowWarpElements / kChunk;
  Number sums[kChunks];
  for (int chunk = 0; chunk < kChunks; ++chunk) {
    Chunk total{};
    // What a row lacks counts as +0.
    for (int64_t place = first + chunk * kChunk; place < width; place += kRowAccumulators) {
      Chunk one, other;
      pairs(place, one, other);
      total.first = fused_multiply_add(one.first, other.first, total.first);
      total.second = fused_multiply_add(one.second, other.second, total.second);
    }
    if constexpr (!Input::kInTurns) total = in_turns(total);
    sums[chunk] = total.first + total.second;
  }
  add_neighbours(sums, kChunks);
  add_neighbours(sums, kChunks / 2);
  for (int i = 0; i < kChunks / 4; ++i) store(lanes + i * kLanes, sums[i]);
}

// The sum of a vector's lanes, neighbours first, and each lane gets it.
template <int kDistance = 1>
OPPARITY_FUNCTION Number sum_of_vector(Number sums) {
  sums = sums + shuffled<[](int lane) { return lane ^ kDistance; }>(sums);
  if constexpr (2 * kDistance < kLanes) return sum_of_vector<2 * kDistance>(sums);
  return sums;
}

// The sum of a warp's lanes, each of which gets it.
OPPARITY_FUNCTION Number sum_of_lanes(const float* lanes) {
  constexpr int kVectors = kRowLanes / kLanes;
  Number sums[kVectors];
  for (int i = 0; i < kVectors; ++i) sums[i] = sum_of_vector(load<Number>(lanes + i * kLanes));
  for (int count = kVectors / 2; count > 0; count /= 2) {
    for (int i = 0; i < count; ++i) sums[i] = sums[2 * i] + sums[2 * i + 1];
  }
  return sums[0];
}

template <typename Input, typename Pairs>
OPPARITY_FUNCTION Number sum_row(const Pairs& pairs, int64_t width) {
  alignas(64) float lanes[kRowWarps][kRowLanes];
  sum_warp<Input>(pairs, 0, width, lanes[0]);
  if (width > kRowWarpElements) {
    for (int warp = 1; warp < kRowWarps; ++warp) {
      sum_warp<Input>(pairs, warp * kRowWarpElements, width, lanes[warp]);
    }
    for (int i = 0; i < kRowLanes; i += kLanes) {
      Number part[kRowWarps];
      for (int warp = 0; warp < kRowWarps; ++warp) part[warp] = load<Number>(lanes[warp] + i);
      store(lanes[0] + i, sum_of_warps(part));
    }
  }
  return sum_of_lanes(lanes[0]);
}

OPPARITY_FUNCTION float inverse_width_of(const Call& call) {
  return 1.0f / static_cast<float>(call.hidden_size);
}

template <typename Input>
float reduce(const Call& call, int64_t token) {
  const Row<typename Input::Storage> row(call, token);
  const int64_t width = call.hidden_size;
  const auto squares = [&](int64_t place, Chunk& one, Chunk& other) {
    one = other = elements_at<Input>(row, place, width - place);
  };
  const Number sum = sum_row<Input>(squares, width);
  return Producer::row(sum, inverse_width_of(call), call.parameters)[0];
}

template <typename Input, Intermediate Rounding>
OPPARITY_FUNCTION Number multiply(Number x, float factor, Number column,
                                  [[maybe_unused]] Number gate,
                                  [[maybe_unused]] const Parameters& parameters) {
  constexpr bool kRoundsFactors = Rounding == Intermediate::kInputDtype;
  Number product = x * factor;
  if constexpr (kRoundsFactors) product = Input::round(product);
  product = product * column;
  if constexpr (Producer::kTakesGate) {
    Number activated = Producer::gate(gate, parameters);
    if constexpr (kRoundsFactors) {
      product = Input::round(product);
      activated = Input::round(activated);
    }
    product = product * activated;
  }
  if constexpr (Rounding != Intermediate::kFloat32) product = Input::round(product);
  return product;
}

// One chunk's products; raises `largest`, as in produce.cpp.
template <typename Input, Intermediate Rounding>
OPPARITY_FUNCTION void produce_chunk(const Row<typename Input::Storage>& row, int64_t place,
                                     int64_t elements, float factor, const Parameters& parameters,
                                     float* products, Bits& largest) {
  const Chunk x = elements_at<Input>(row, place, elements);
  if (row.sum != nullptr) store_some<Input>(row.sum + place, x, elements);
  Chunk column{all(1.0f), all(1.0f)}, gate{};
  if (row.weight != nullptr) {
    column = load_some<Input>(row.weight + place, elements);
    column.first = Producer::column(column.first, parameters);
    column.second = Producer::column(column.second, parameters);
  }
  if constexpr (Producer::kTakesGate) gate = load_some<Input>(row.gate + place, elements);
  const Number first =
      multiply<Input, Rounding>(x.first, factor, column.first, gate.first, parameters);
  const Number second =
      multiply<Input, Rounding>(x.second, factor, column.second, gate.second, parameters);
  largest = larger(largest, bits_of(first) & kMagnitudeBits);
  largest = larger(largest, bits_of(second) & kMagnitudeBits);
  store(products, first);
  store(products + kLanes, second);
}

template <typename Input, Intermediate Rounding>
void produce(const Call& call, const Piece& piece, Tile& tile) {
  const Row<typename Input::Storage> row(call, piece.token);
  const Parameters parameters = call.parameters;
  const float factor = tile.row_factor;
  const int64_t unit_size = opparity::elements_of_a_unit(call);
  const int64_t stride = opparity::OPPARITY_CAPABILITY::stride_of_a_unit(call);
  float* unit = tile.products;
  uint32_t* amax = tile.amax;
  for (int64_t done = 0; done < piece.elements; done += unit_size) {
    const int64_t elements = std::min(piece.elements - done, unit_size);
    const int64_t first = piece.first_element + done;
    Bits largest{};
    for (int64_t i = 0; i < elements; i += kChunk) {
      Bits own{};
      produce_chunk<Input, Rounding>(row, first + i, elements - i, factor, parameters, unit + i,
                                     own);
      if (elements - i < kChunk) own = clear_behind<Input::kInTurns>(unit + i, elements - i);
      largest = larger(largest, own);
    }
    unit += stride;
    *amax++ = largest_of(largest);
  }
}

}  // namespace

#include "native/cpu/differentiate_rows.h"

namespace {

using Kernels = opparity::OPPARITY_CAPABILITY::ProducerKernels;

template <typename Input>
Kernels choose(Intermediate rounding, InputType gradient_type) {
  Kernels kernels{.produce = produce<Input, Intermediate::kFloat32>,
                  .differentiate = differentiate_row<Input, Input>,
                  .reduce = reduce<Input>,
                  .sum_columns = sum_columns<Input, Input>,
                  .produce_gradients = nullptr};
  if (gradient_type == InputType::kFloat32) {
    kernels.differentiate = differentiate_row<Input, Float32>;
    kernels.sum_columns = sum_columns<Input, Float32>;
  }
  if constexpr (sizeof(typename Input::Storage) == 2) {
    if (rounding == Intermediate::kInputDtype) {
      kernels.produce = produce<Input, Intermediate::kInputDtype>;
    } else if (rounding == Intermediate::kProduct) {
      kernels.produce = produce<Input, Intermediate::kProduct>;
    }
  }
  return kernels;
}

}  // namespace

namespace opparity::OPPARITY_CAPABILITY {

ProducerKernels OPPARITY_JOIN(kernels_of_, OPPARITY_PRODUCER)(const Call& call, bool) {
  switch (call.input_type) {
    case InputType::kFloat16:
      return choose<Float16>(call.intermediate, call.gradient_type);
    case InputType::kBFloat16:
      return choose<BFloat16>(call.intermediate, call.gradient_type);
    case InputType::kFloat32:
      break;
  }
  return choose<Float32>(call.intermediate, call.gradient_type);
}

}  // namespace opparity::OPPARITY_CAPABILITY
