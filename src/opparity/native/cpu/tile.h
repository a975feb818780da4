// What a producer hands to the quantiser: products of some units, few enough to stay in the
// first-level cache between the two passes over them. Compiled once for each capability, as the
// number of lanes is.
#pragma once

#include "native/cpu/kernel.h"
#include "native/platforms/cpu.h"

namespace opparity::OPPARITY_CAPABILITY {

constexpr int64_t kTile = 4096;
constexpr int64_t kLeastGroup = 16;
constexpr int64_t kMostUnits = kTile / kLeastGroup;

// Products of bfloat16 numbers are in turns (cpu/chunk.h), unless gate and up alternate.
inline bool is_in_turns(const Call& call) {
  const bool is_gated = kProducerFacts[static_cast<int>(call.producer)].is_gated;
  return call.input_type == InputType::kBFloat16 && !(is_gated && call.is_interleaved);
}

struct Tile {
  // Each unit begins a chunk; behind one that ends within a chunk there are zeros up to its end.
  alignas(64) float products[kTile];
  // The bits of each unit's largest magnitude. Whole vectors of them are read, so all are set once.
  alignas(64) uint32_t amax[kMostUnits] = {};
  alignas(64) float scales[kMostUnits];
  alignas(64) float factors[kMostUnits];
  alignas(64) uint32_t codes[kMostUnits];
  // What the row is multiplied by, of a producer that reduces.
  float row_factor = 1.0f;
};

// From a unit's products to the next one's.
inline int64_t stride_of_a_unit(const Call& call) {
  return std::max<int64_t>(elements_of_a_unit(call), 2 * kLanes);
}

// Elements of one row, which begin a unit.
struct Piece {
  int64_t token;
  int64_t first_element;
  int64_t elements;
};

// Writes the products of a piece and the largest magnitudes of its units.
using Produce = void (*)(const Call&, const Piece&, Tile&);
// Writes the gradient of a piece's input.
using Differentiate = void (*)(const Call&, const Piece&);

// Writes the gradients of a piece's input, which are quantised, in place of products; those of ups
// into the second tile where these stand in a half of their own.
using ProduceGradients = void (*)(const Call&, const Piece&, Tile& tile, Tile& ups);

// Returns what a row is multiplied by; nullptr where the producer does not reduce.
using Reduce = float (*)(const Call&, int64_t token);

// Writes the weight's gradient for a block of columns.
using SumColumns = void (*)(const Call&, int64_t block);

struct ProducerKernels {
  Produce produce;
  Differentiate differentiate;
  Reduce reduce;
  SumColumns sum_columns;
  // nullptr where the producer reduces.
  ProduceGradients produce_gradients;
};

}  // namespace opparity::OPPARITY_CAPABILITY
