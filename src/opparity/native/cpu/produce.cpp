// One producer's part of the CPU kernel, compiled for each capability:
//   OPPARITY_PRODUCER, OPPARITY_PRODUCER_FILE   the functor, and where it is
//   OPPARITY_CAPABILITY                         baseline, avx2 or avx512
#include "native/cpu/tile.h"
// The platform comes before the contract.
#include OPPARITY_PRODUCER_FILE

#include "native/contract/gradient.h"
#include "native/cpu/rows.h"

namespace {

using opparity::InputType;
using opparity::Intermediate;
using opparity::OPPARITY_CAPABILITY::Tile;

using Producer = OPPARITY_PRODUCER;

#define OPPARITY_JOIN_NAMES(FIRST, SECOND) FIRST##SECOND
#define OPPARITY_JOIN(FIRST, SECOND) OPPARITY_JOIN_NAMES(FIRST, SECOND)

constexpr const opparity::ProducerFacts& kFacts = opparity::kProducerFacts[static_cast<int>(
    opparity::Producer::OPPARITY_JOIN(k, OPPARITY_PRODUCER))];
constexpr bool kIsGated = Producer::kIsGated;
// A table of every 16-bit gate's activation is the same for all calls without parameters.
constexpr bool kHasTable = kIsGated && kFacts.parameter_count == 0;
// The activations of every 16-bit gate, made by the first call that looks one up.
template <typename Input>
const float* activation_table() {
  struct Table {
    float values[1 << 16];
    Table() {
      uint16_t gates[kLanes];
      for (int first = 0; first < 1 << 16; first += kLanes) {
        for (int i = 0; i < kLanes; ++i) gates[i] = static_cast<uint16_t>(first + i);
        store(values + first, Producer::gate(Input::widen(gates), Parameters{}));
      }
    }
  };
  static const Table table;
  return table.values;
}

template <typename Input>
OPPARITY_FUNCTION Chunk look_up(const float* table, const uint16_t* gates) {
  Chunk chunk;
  for (int i = 0; i < kParts; ++i) {
    const Halves patterns = load<Halves>(gates + i * kLanes);
    chunk.part[i] = gather(table, __builtin_convertvector(patterns, Bits));
  }
  return chunk;
}

template <typename Input, Intermediate Rounding>
OPPARITY_FUNCTION Number multiply(Number activated, [[maybe_unused]] Number up,
                                  [[maybe_unused]] const Parameters& parameters) {
  constexpr bool kRoundsFactors = Rounding == Intermediate::kInputDtype;
  Number product = activated;
  if constexpr (kIsGated) {
    if constexpr (kRoundsFactors) product = Input::round(product);
    Number factor = Producer::up(up, parameters);
    if constexpr (kRoundsFactors && !Producer::kUpIsIdentity) factor = Input::round(factor);
    product = product * factor;
  }
  if constexpr (Rounding != Intermediate::kFloat32) product = Input::round(product);
  return product;
}

// One chunk's products; raises `largest`, the bits of magnitudes. As integers those of NaN are
// above infinity's, so a NaN is never lost to a comparison.
template <typename Input, Intermediate Rounding, bool Alternate, bool LooksUp>
OPPARITY_FUNCTION void produce_chunk(const typename Input::Storage* gates,
                                     const typename Input::Storage* ups, const float* table,
                                     const Parameters& parameters, float* products, Bits& largest) {
  ChunkPair pair{};
  if constexpr (LooksUp) {
    pair = {look_up<Input>(table, gates), load_chunk<Input>(ups)};
  } else if constexpr (kIsGated) {
    pair = load_pair<Input, Alternate>(gates, ups);
  } else {
    pair.first = load_chunk<Input>(gates);
  }
  for (int i = 0; i < kParts; ++i) {
    Number activated = pair.first.part[i];
    if constexpr (!LooksUp) activated = Producer::gate(activated, parameters);
    const Number product = multiply<Input, Rounding>(activated, pair.second.part[i], parameters);
    largest = larger(largest, bits_of(product) & kMagnitudeBits);
    store(products + i * kLanes, product);
  }
}

template <typename Input, Intermediate Rounding, bool Alternate, bool LooksUp>
void produce(const Call& call, const Piece& piece, Tile& tile) {
  using Storage = typename Input::Storage;
  constexpr int64_t kAdvance = kStep<Alternate>;
  const auto chunk = produce_chunk<Input, Rounding, Alternate, LooksUp>;
  auto from = streams<const Storage, Alternate>(call.input, call.input_row_bytes, call, piece);
  // A copy, so that no store may change it.
  const Parameters parameters = call.parameters;
  const float* table = nullptr;
  if constexpr (LooksUp) table = activation_table<Input>();
  const int64_t unit_size = opparity::elements_of_a_unit(call);
  float* products = tile.products;
  uint32_t* amax = tile.amax;
  for (int64_t left = piece.elements; left > 0; left -= unit_size) {
    const int64_t elements = std::min(left, unit_size), chunks = elements / kChunk;
    prefetch(from.gate, chunks * kAdvance * static_cast<int64_t>(sizeof(Storage)));
    if constexpr (kIsGated && !Alternate) {
      prefetch(from.up, chunks * kAdvance * static_cast<int64_t>(sizeof(Storage)));
    }
    Bits largest{};
    for (int64_t i = 0; i < chunks; ++i) {
      chunk(from.gate, from.up, table, parameters, products, largest);
      from.gate += kAdvance;
      from.up += kAdvance;
      products += kChunk;
    }
    if (const int64_t last = elements % kChunk; last != 0) {
      const auto rest = Rest<Storage, kIsGated, Alternate>::load(from, last);
      chunk(rest.gate, rest.up, table, parameters, products, largest);
    }
    *amax++ = largest_of(largest);
  }
}

template <typename Input, bool Alternate>
OPPARITY_FUNCTION void differentiate_chunk(const typename Input::Storage* gates,
                                           const typename Input::Storage* ups,
                                           const Chunk& gradient, const Parameters& parameters,
                                           typename Input::Storage* to_gates,
                                           typename Input::Storage* to_ups) {
  ChunkPair pair{};
  if constexpr (kIsGated) {
    pair = load_pair<Input, Alternate>(gates, ups);
  } else {
    pair.first = load_chunk<Input>(gates);
  }
  for (int i = 0; i < kParts; ++i) {
    differentiate<Producer>(pair.first.part[i], pair.second.part[i], gradient.part[i], parameters);
  }
  if constexpr (kIsGated) {
    store_pair<Input, Alternate>(to_gates, to_ups, pair);
  } else {
    store_chunk<Input>(to_gates, pair.first);
  }
}

template <typename Input, typename Gradient, bool Alternate>
void differentiate_piece(const Call& call, const Piece& piece) {
  using Storage = typename Input::Storage;
  using GradientStorage = typename Gradient::Storage;
  constexpr int64_t kAdvance = kStep<Alternate>;
  const auto chunk = differentiate_chunk<Input, Alternate>;
  auto from = streams<const Storage, Alternate>(call.input, call.input_row_bytes, call, piece);
  auto to = streams<Storage, Alternate>(call.values, call.values_row_bytes, call, piece);
  const auto* gradient =
      streams<const GradientStorage, false>(call.gradient, call.gradient_row_bytes, call, piece)
          .gate;
  const Parameters parameters = call.parameters;
  for (int64_t i = 0; i < piece.elements / kChunk; ++i) {
    chunk(from.gate, from.up, load_chunk<Gradient>(gradient), parameters, to.gate, to.up);
    from.gate += kAdvance, from.up += kAdvance;
    to.gate += kAdvance, to.up += kAdvance;
    gradient += kChunk;
  }
  const int64_t last = piece.elements % kChunk;
  if (last == 0) return;
  auto rest = Rest<Storage, kIsGated, Alternate>::load({from.gate, from.up}, last);
  GradientStorage rest_of_gradient[kChunk] = {};
  std::memcpy(rest_of_gradient, gradient, static_cast<size_t>(last) * sizeof(GradientStorage));
  chunk(rest.gate, rest.up, load_chunk<Gradient>(rest_of_gradient), parameters, rest.gate, rest.up);
  const auto bytes = static_cast<size_t>(last) * sizeof(Storage);
  std::memcpy(to.gate, rest.gate, Alternate ? 2 * bytes : bytes);
  if constexpr (kIsGated && !Alternate) std::memcpy(to.up, rest.up, bytes);
}

using opparity::OPPARITY_CAPABILITY::Differentiate;
using opparity::OPPARITY_CAPABILITY::Produce;
using Kernels = opparity::OPPARITY_CAPABILITY::ProducerKernels;

template <typename Input, Intermediate Rounding, bool Alternate>
Produce choose_table(bool looks_up) {
  if constexpr (kHasTable && !Alternate && sizeof(typename Input::Storage) == 2) {
    if (looks_up) return produce<Input, Rounding, Alternate, true>;
  }
  return produce<Input, Rounding, Alternate, false>;
}

template <typename Input, bool Alternate>
Produce choose_rounding(Intermediate rounding, bool looks_up) {
  if constexpr (sizeof(typename Input::Storage) == 2) {
    // What is not gated has no factors.
    if constexpr (kIsGated) {
      if (rounding == Intermediate::kInputDtype) {
        return choose_table<Input, Intermediate::kInputDtype, Alternate>(looks_up);
      }
    }
    if (rounding != Intermediate::kFloat32) {
      return choose_table<Input, Intermediate::kProduct, Alternate>(looks_up);
    }
  }
  return choose_table<Input, Intermediate::kFloat32, Alternate>(looks_up);
}

template <typename Input, bool Alternate>
Differentiate choose_gradient(opparity::InputType gradient_type) {
  if (gradient_type == InputType::kFloat32) return differentiate_piece<Input, Float32, Alternate>;
  return differentiate_piece<Input, Input, Alternate>;
}

template <typename Input, bool Alternate>
Kernels choose(const Call& call, bool looks_up) {
  return {choose_rounding<Input, Alternate>(call.intermediate, looks_up),
          choose_gradient<Input, Alternate>(call.gradient_type)};
}

template <typename Input>
Kernels choose(const Call& call, bool looks_up) {
  if constexpr (kIsGated) {
    if (call.is_interleaved) return choose<Input, true>(call, looks_up);
  }
  return choose<Input, false>(call, looks_up);
}

}  // namespace

namespace opparity::OPPARITY_CAPABILITY {

ProducerKernels OPPARITY_JOIN(kernels_of_, OPPARITY_PRODUCER)(const Call& call, bool looks_up) {
  switch (call.input_type) {
    case InputType::kFloat16:
      return choose<Float16>(call, looks_up);
    case InputType::kBFloat16:
      return choose<BFloat16>(call, looks_up);
    case InputType::kFloat32:
      break;
  }
  return choose<Float32>(call, looks_up);
}

}  // namespace opparity::OPPARITY_CAPABILITY
