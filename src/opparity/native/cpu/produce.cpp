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
      uint16_t gates[kChunk];
      for (int first = 0; first < 1 << 16; first += kChunk) {
        for (int i = 0; i < kChunk; ++i) gates[i] = static_cast<uint16_t>(first + i);
        const Chunk chunk = load_chunk<Input, false>(gates);
        store(values + first, Producer::gate(chunk.first, Parameters{}));
        store(values + first + kLanes, Producer::gate(chunk.second, Parameters{}));
      }
    }
  };
  static const Table table;
  return table.values;
}

OPPARITY_FUNCTION Number gather(const float* table, Bits indices) {
#if defined(__AVX512F__)
  return (Number)_mm512_mask_i32gather_ps(__m512{}, -1, (__m512i)indices, table, 4);
#else
  Number result;
  for (int lane = 0; lane < kLanes; ++lane) result[lane] = table[indices[lane]];
  return result;
#endif
}

// In the order of `Input::load`.
template <typename Input>
OPPARITY_FUNCTION Chunk look_up(const float* table, const uint16_t* gates) {
  if constexpr (Input::kInTurns) {
    const Bits both = load<Bits>(gates);
    return {gather(table, both & 0xffffu), gather(table, both >> 16)};
  }
  return {gather(table, widen_halves(load<Halves>(gates))),
          gather(table, widen_halves(load<Halves>(gates + kLanes)))};
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
template <typename Input, Intermediate Rounding, bool Interleaved, bool LooksUp>
OPPARITY_FUNCTION void produce_chunk(const typename Input::Storage* gates,
                                     const typename Input::Storage* ups, const float* table,
                                     const Parameters& parameters, float* products, Bits& largest) {
  GatesAndUps both;
  if constexpr (LooksUp) {
    both = {look_up<Input>(table, gates), Input::load(ups)};
  } else {
    both = load_both<Input, kIsGated, Interleaved>(gates, ups);
    both.gates.first = Producer::gate(both.gates.first, parameters);
    both.gates.second = Producer::gate(both.gates.second, parameters);
  }
  const Number first = multiply<Input, Rounding>(both.gates.first, both.ups.first, parameters);
  const Number second = multiply<Input, Rounding>(both.gates.second, both.ups.second, parameters);
  largest = larger(largest, bits_of(first) & kMagnitudeBits);
  largest = larger(largest, bits_of(second) & kMagnitudeBits);
  store(products, first);
  store(products + kLanes, second);
}

template <typename Input, Intermediate Rounding, bool Interleaved, bool LooksUp>
void produce(const Call& call, const Piece& piece, Tile& tile) {
  using Storage = typename Input::Storage;
  constexpr int64_t kAdvance = kStep<Interleaved>;
  constexpr bool kInTurns = Input::kInTurns && !Interleaved;
  const auto chunk = produce_chunk<Input, Rounding, Interleaved, LooksUp>;
  auto from = streams<const Storage, Interleaved>(call.input, call.input_row_bytes, call, piece);
  // A copy, so that no store may change it.
  const Parameters parameters = call.parameters;
  const float* table = nullptr;
  if constexpr (LooksUp) table = activation_table<Input>();
  const int64_t unit_size = opparity::elements_of_a_unit(call);
  const int64_t stride = opparity::OPPARITY_CAPABILITY::stride_of_a_unit(call);
  float* unit = tile.products;
  uint32_t* amax = tile.amax;
  for (int64_t left = piece.elements; left > 0; left -= unit_size) {
    float* products = unit;
    const int64_t elements = std::min(left, unit_size), chunks = elements / kChunk;
    Bits largest{};
    for (int64_t i = 0; i < chunks; ++i) {
      prefetch(from.gate);
      if constexpr (kIsGated && !Interleaved) prefetch(from.up);
      chunk(from.gate, from.up, table, parameters, products, largest);
      from.gate += kAdvance;
      from.up += kAdvance;
      products += kChunk;
    }
    if (const int64_t last = elements % kChunk; last != 0) {
      const auto rest = Rest<Storage, kIsGated, Interleaved>::load(from, last);
      Bits of_zeros_too{};
      chunk(rest.gate, rest.up, table, parameters, products, of_zeros_too);
      largest = larger(largest, clear_behind<kInTurns>(products, last));
      from.gate += Interleaved ? 2 * last : last;
      from.up += Interleaved ? 2 * last : last;
    }
    unit += stride;
    *amax++ = largest_of(largest);
  }
}

template <typename Input, bool Interleaved>
OPPARITY_FUNCTION void differentiate_chunk(const typename Input::Storage* gates,
                                           const typename Input::Storage* ups,
                                           const Chunk& gradient, const Parameters& parameters,
                                           typename Input::Storage* to_gates,
                                           typename Input::Storage* to_ups) {
  GatesAndUps both = load_both<Input, kIsGated, Interleaved>(gates, ups);
  differentiate<Producer>(both.gates.first, both.ups.first, gradient.first, parameters);
  differentiate<Producer>(both.gates.second, both.ups.second, gradient.second, parameters);
  store_both<Input, kIsGated, Interleaved>(to_gates, to_ups, both);
}

template <typename Input, typename Gradient, bool Interleaved>
void differentiate_piece(const Call& call, const Piece& piece) {
  using Storage = typename Input::Storage;
  using GradientStorage = typename Gradient::Storage;
  constexpr int64_t kAdvance = kStep<Interleaved>;
  constexpr bool kInTurns = Input::kInTurns && !Interleaved;
  const auto chunk = differentiate_chunk<Input, Interleaved>;
  auto from = streams<const Storage, Interleaved>(call.input, call.input_row_bytes, call, piece);
  auto to = streams<Storage, Interleaved>(call.values, call.values_row_bytes, call, piece);
  const auto* gradient =
      streams<const GradientStorage, false>(call.gradient, call.gradient_row_bytes, call, piece)
          .gate;
  const Parameters parameters = call.parameters;
  for (int64_t i = 0; i < piece.elements / kChunk; ++i) {
    chunk(from.gate, from.up, load_chunk<Gradient, kInTurns>(gradient), parameters, to.gate, to.up);
    from.gate += kAdvance, from.up += kAdvance;
    to.gate += kAdvance, to.up += kAdvance;
    gradient += kChunk;
  }
  const int64_t last = piece.elements % kChunk;
  if (last == 0) return;
  auto rest = Rest<Storage, kIsGated, Interleaved>::load({from.gate, from.up}, last);
  GradientStorage rest_of_gradient[kChunk] = {};
  std::memcpy(rest_of_gradient, gradient, static_cast<size_t>(last) * sizeof(GradientStorage));
  chunk(rest.gate, rest.up, load_chunk<Gradient, kInTurns>(rest_of_gradient), parameters, rest.gate,
        rest.up);
  const auto bytes = static_cast<size_t>(last) * sizeof(Storage);
  std::memcpy(to.gate, rest.gate, Interleaved ? 2 * bytes : bytes);
  if constexpr (kIsGated && !Interleaved) std::memcpy(to.up, rest.up, bytes);
}

}  // namespace

#include "native/cpu/gradients.h"

namespace {

using opparity::OPPARITY_CAPABILITY::Differentiate;
using opparity::OPPARITY_CAPABILITY::Produce;
using opparity::OPPARITY_CAPABILITY::ProduceGradients;
using Kernels = opparity::OPPARITY_CAPABILITY::ProducerKernels;

template <typename Input, Intermediate Rounding, bool Interleaved>
Produce choose_table(bool looks_up) {
  if constexpr (kHasTable && !Interleaved && sizeof(typename Input::Storage) == 2) {
    if (looks_up) return produce<Input, Rounding, Interleaved, true>;
  }
  return produce<Input, Rounding, Interleaved, false>;
}

template <typename Input, bool Interleaved>
Produce choose_rounding(Intermediate rounding, bool looks_up) {
  if constexpr (sizeof(typename Input::Storage) == 2) {
    // What is not gated has no factors.
    if constexpr (kIsGated) {
      if (rounding == Intermediate::kInputDtype) {
        return choose_table<Input, Intermediate::kInputDtype, Interleaved>(looks_up);
      }
    }
    if (rounding != Intermediate::kFloat32) {
      return choose_table<Input, Intermediate::kProduct, Interleaved>(looks_up);
    }
  }
  return choose_table<Input, Intermediate::kFloat32, Interleaved>(looks_up);
}

template <typename Input, bool Interleaved>
Differentiate choose_gradient(opparity::InputType gradient_type) {
  if (gradient_type == InputType::kFloat32) return differentiate_piece<Input, Float32, Interleaved>;
  return differentiate_piece<Input, Input, Interleaved>;
}

template <typename Input, bool Interleaved>
ProduceGradients choose_gradients(opparity::InputType gradient_type) {
  if (gradient_type == InputType::kFloat32) return produce_gradients<Input, Float32, Interleaved>;
  return produce_gradients<Input, Input, Interleaved>;
}

template <typename Input, bool Interleaved>
Kernels choose(const Call& call, bool looks_up) {
  return {choose_rounding<Input, Interleaved>(call.intermediate, looks_up),
          choose_gradient<Input, Interleaved>(call.gradient_type), nullptr, nullptr,
          choose_gradients<Input, Interleaved>(call.gradient_type)};
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
