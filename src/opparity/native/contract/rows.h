// What is computed of a whole row: docs/numerics.md, section 9. operators/numerics.py has the same
// constants, and a test compares the two files.
#pragma once

#include "native/contract/primitives.h"

namespace {

// Accumulator j has the elements j, j + kRowAccumulators, and so on.
constexpr int kRowAccumulators = 2048;
// Accumulators that are added first. A GPU's thread has so many elements.
constexpr int kRowNeighbours = 8;
// What is left then is added across warps of so many lanes, and last within a warp.
constexpr int kRowLanes = 32;
// Sums over rows have so many; row t goes to number t modulo this.
constexpr int kColumnAccumulators = 256;
constexpr int kRowWarps = kRowAccumulators / kRowNeighbours / kRowLanes;
// The elements of a warp's lanes.
constexpr int kRowWarpElements = kRowNeighbours * kRowLanes;

// The sum of a lane's neighbours.
OPPARITY_FUNCTION Number sum_of_neighbours(const Number (&part)[kRowNeighbours]) {
  return ((part[0] + part[1]) + (part[2] + part[3])) + ((part[4] + part[5]) + (part[6] + part[7]));
}

// The sum of a lane's partial sums in each warp.
OPPARITY_FUNCTION Number sum_of_warps(const Number (&part)[kRowWarps]) {
  return ((part[0] + part[4]) + (part[2] + part[6])) + ((part[1] + part[5]) + (part[3] + part[7]));
}

// 1 / sqrt(mean + epsilon), from the sum of a row's squares and the rounded reciprocal of its
// width.
OPPARITY_FUNCTION Number inverse_root_mean_square(Number sum, float inverse_width, float epsilon) {
  const Number mean = fused_multiply_add(sum, inverse_width, epsilon);
  return divide(all(1.0f), square_root(mean));
}

// What an element times is subtracted from its gradient, before the row's factor: from the sum of
// the products of elements and their gradients.
OPPARITY_FUNCTION Number share_of_row(Number dot, Number factor, float inverse_width) {
  // A sum of zeros alone is +0, however many accumulators there are.
  const Number mean = (dot + 0.0f) * inverse_width;
  return (mean * factor) * factor;
}

}  // namespace
