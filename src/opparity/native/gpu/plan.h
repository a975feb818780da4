// The launch as pure functions of the shape and the chip: which variant, how many threads, and the
// divisor that its index arithmetic needs. tests/native has them run.
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>

#include "native/gpu/arguments.h"

namespace opparity {

// What the choice depends on.
struct Chip {
  int64_t multiprocessors;
  int64_t threads_of_a_multiprocessor;
  int64_t gigabytes_per_second;
};

// Below it kSmall was the fastest on an H100: 2.9 us at 128 x 7168, where kMedium took 3.2. At
// 256 x 7168, the next size that was tried, kSmall took 4.7 and kMedium 4.4.
constexpr int64_t kFewElements = 3 * (int64_t{1} << 19);
// Of a block that stays, at most and at least.
constexpr uint32_t kMostTabledThreads = 896;
constexpr uint32_t kFewestTabledThreads = 512;
// From how many pieces for each multiprocessor on a table pays for itself, on a chip whose memory
// would wait for the arithmetic. On an H200 (37 GB/s for a multiprocessor) at 256 x 7168, 869
// pieces, SiLU takes 3.95 us by it instead of 4.08, GELU 4.36 instead of 4.93 and SiTU 6.24
// instead of 6.25; at 192 x 7168 GELU takes 4.20 instead of 3.99. An H100 has 25 GB/s, and there
// memory takes longer than any arithmetic but SiTU's.
constexpr int64_t kPiecesThatFillTables = 800;
constexpr int64_t kGigabytesThatNeedTables = 30;
constexpr int64_t kElementsThatNeedNoTable = 100'000;
constexpr int64_t kMostPieces = (int64_t{1} << 31) - 1;
constexpr int64_t kMostRows = 65535;
constexpr int64_t kMostTokens = kMostPieces;

// The elements that a kernel works on at once when it fills the chip. Registers limit kLarge to
// 1,536 threads a multiprocessor (40 of 65,536) and kMedium to 2,048 (32).
constexpr int64_t elements_of_a_wave(Shape shape, const Chip& chip) {
  const int64_t limit = shape == Shape::kLarge ? 1536 : 2048;
  return chip.multiprocessors * std::min(chip.threads_of_a_multiprocessor, limit) *
         elements_of_a_thread(shape, 128);
}

constexpr bool tables_pay(int64_t elements, const Chip& chip) {
  const int64_t pieces = elements / elements_of_a_thread(Shape::kTabled, 0);
  return chip.multiprocessors > 0 &&
         chip.gigabytes_per_second >= kGigabytesThatNeedTables * chip.multiprocessors &&
         pieces >= kPiecesThatFillTables * chip.multiprocessors;
}

// So many that all blocks work in the last turn too: at 4096 x 7168 on an H200 SiLU takes 36.3 us
// by 19 turns of 736 threads, and 36.9 with 768, whose last turn is almost empty.
constexpr uint32_t tabled_threads(int64_t pieces, const Chip& chip) {
  const int64_t share = (pieces + chip.multiprocessors - 1) / chip.multiprocessors;
  uint32_t best = kMostTabledThreads;
  int64_t least = (share + best - 1) / best * best;
  for (uint32_t threads = best - 32; threads >= kFewestTabledThreads; threads -= 32) {
    const int64_t places = (share + threads - 1) / threads * threads;
    if (places < least) best = threads, least = places;
  }
  return best;
}

// Of 64, 128 and 256: with 128 kLarge took 138.0 us at 16384 x 7168 on an H200 and with 256 140.3,
// at 256 x 18432 on an H100 9.25 and 9.17. kMedium took 41.5 and 41.4 at 4096 x 7168 on an H200,
// and 4.48 and 4.32 at 256 x 7168 on an H100. kSmall took 2.84 and 2.95 at 128 x 7168 on an H100,
// and at 64 x 18432, more than a wave, 3.49 and 3.56, on an H200 3.60 and 3.36.
constexpr uint32_t threads_of_a_block(Shape shape, int64_t elements, const Chip& chip) {
  if (shape == Shape::kTabled) return tabled_threads(elements / 16, chip);
  if (shape == Shape::kMedium) return 256;
  return shape == Shape::kSmall && elements > elements_of_a_wave(shape, chip) ? 256 : 128;
}

// Between few elements and two waves, the shape that pays for fewer elements in whole waves: the
// last wave takes as long as a full one. On an H100 that is kMedium at 256 x 7168 (4.4 us, kLarge
// 5.0), kLarge at 128 x 18432 (5.4, kMedium 5.6) and kMedium at 512 x 7168 (7.7, kLarge 8.0).
constexpr Shape choose_shape(int64_t num_tokens, int64_t hidden_size, bool aligned,
                             bool takes_table, const Chip& chip) {
  if (!aligned) return Shape::kUnaligned;
  const int64_t elements = num_tokens * hidden_size;
  if (takes_table) return Shape::kTabled;
  // A row of one piece would need a division by 1, whose multiplier has 33 bits.
  if (elements < kFewElements || hidden_size <= 16) return Shape::kSmall;
  const int64_t large = elements_of_a_wave(Shape::kLarge, chip);
  const int64_t medium = elements_of_a_wave(Shape::kMedium, chip);
  if (elements >= 2 * large) return Shape::kLarge;
  const int64_t paid_by_large = (elements + large - 1) / large * large;
  const int64_t paid_by_medium = (elements + medium - 1) / medium * medium;
  return paid_by_medium < paid_by_large ? Shape::kMedium : Shape::kLarge;
}

// The pieces of a row: whole groups of them.
constexpr int64_t pieces_of_a_row(Shape shape, int64_t hidden_size, int64_t group_size) {
  const int64_t elements = elements_of_a_thread(shape, group_size);
  const int64_t unit = std::max(group_size, elements);
  return (hidden_size + unit - 1) / unit * (unit / elements);
}

// How many tokens one launch may have: pieces are counted in 31 bits, a grid's rows in 16.
constexpr int64_t most_tokens(Shape shape, int64_t row_pieces) {
  return counts_through_rows(shape) ? kMostPieces / row_pieces : kMostRows;
}

// The threads of a block that takes a part of an expert's row: shares of a row are alike.
constexpr uint32_t threads_of_an_expert_block(int64_t row_pieces) {
  constexpr int64_t kMost = 256, kWarp = 32;
  const int64_t blocks = (row_pieces + kMost - 1) / kMost;
  const int64_t share = (row_pieces + blocks - 1) / blocks;
  return static_cast<uint32_t>((share + kWarp - 1) / kWarp * kWarp);
}

// How many blocks, or rows of blocks, of so many threads fill the chip; those that have no row find
// that out in a microsecond.
constexpr int64_t resident_blocks(int64_t threads, const Chip& chip) {
  const int64_t of_a_multiprocessor =
      std::max<int64_t>(chip.threads_of_a_multiprocessor / threads, 1);
  return std::max<int64_t>(chip.multiprocessors * of_a_multiprocessor, 1);
}

struct Division {
  uint32_t multiplier;
  uint32_t shift;
};

// piece / divisor == (piece * multiplier) >> (32 + shift) for every piece below 2^31 and divisor
// above 1 (Granlund and Montgomery, "Division by invariant integers using multiplication", 1994).
constexpr Division division_by(uint32_t divisor) {
  const uint32_t shift = static_cast<uint32_t>(std::bit_width(divisor - 1)) - 1;
  const uint64_t power = uint64_t{1} << (32 + shift);
  return {static_cast<uint32_t>((power + divisor - 1) / divisor), shift};
}

}  // namespace opparity
