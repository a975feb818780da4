// Checks the division of a piece by the pieces of a row, and prints how many were tried.
#include <cstdint>
#include <cstdio>

#include "native/gpu/plan.h"

using namespace opparity;

static uint64_t tried = 0;

static bool divides(uint32_t divisor, uint64_t piece) {
  ++tried;
  const Division division = division_by(divisor);
  const uint64_t quotient = (piece * division.multiplier >> 32) >> division.shift;
  return quotient == piece / divisor;
}

int main() {
  constexpr uint64_t kMost = kMostPieces - 1;
  for (uint64_t divisor = 2; divisor < (1u << 31); divisor += 1 + divisor / 1000) {
    for (uint64_t multiple : {uint64_t{1}, uint64_t{2}, kMost / divisor / 2, kMost / divisor}) {
      for (uint64_t piece : {multiple * divisor - 1, multiple * divisor, multiple * divisor + 1}) {
        if (piece <= kMost && !divides(static_cast<uint32_t>(divisor), piece)) {
          std::printf("wrong: %lu / %lu\n", piece, divisor);
          return 1;
        }
      }
    }
    if (!divides(static_cast<uint32_t>(divisor), kMost)) return 1;
  }
  std::printf("%lu\n", tried);
}
