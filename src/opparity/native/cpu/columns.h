// Rows and columns of the same block of tokens. Included behind what cpu/kernel.cpp defines.
#pragma once

namespace opparity::OPPARITY_CAPABILITY {
namespace {

// A call whose rows are the columns of another.
Call turned(const Call& call) {
  Call columns = call;
  columns.values = call.columns.values;
  columns.scales = call.columns.scales;
  columns.values_row_bytes = call.columns.values_row_bytes;
  columns.place = call.columns.place;
  std::swap(columns.num_tokens, columns.hidden_size);
  return columns;
}

// Columns of a block of tokens that are worked on together, of each half where there are halves:
// what stays in the second-level cache between rows and columns.
constexpr int64_t kColumnsOfAStrip = 256;

// What a block's tokens have in a strip, as tiles have it, to be quantised by columns after it was
// by rows.
class Strip {
 public:
  explicit Strip(const Call& call)
      : call_(call),
        columns_(turned(call)),
        quantise_(choose_quantiser<false>(call)),
        in_turns_(is_in_turns(call)),
        numbers_(new float[static_cast<size_t>(halves_of(call) * kFloatsOfAHalf)]) {}

  // Keeps a token's products, counted from the block's first.
  void keep(int64_t token, int64_t half, const Tile& tile, int64_t columns) {
    const int64_t whole = (columns + kChunk - 1) / kChunk * kChunk;
    std::memcpy(row(half, token), tile.products, static_cast<size_t>(whole) * sizeof(float));
  }

  // Quantises the columns of tokens [first, first + tokens) from column `begin` of each half on.
  void quantise(int64_t first, int64_t tokens, int64_t begin, int64_t columns) {
    const int64_t halves = halves_of(call_);
    for (int64_t half = 0; half < halves; ++half) {
      const int64_t before = half * (call_.hidden_size / halves) + begin;
      for (int64_t token = tokens; token % kLanes != 0; ++token) {
        std::fill_n(row(half, token), kColumnsOfAStrip, 0.0f);
      }
      for (int64_t i = 0; i < columns; i += kTurned) {
        const int64_t count = std::min(kTurned, columns - i);
        turn(row(half, 0) + i, tokens, count);
        for (int64_t own = 0; own < count; ++own) {
          std::memcpy(tile_.products, turned_[own], kTokensOfABlock * sizeof(float));
          std::memcpy(tile_.amax, amax_[own], sizeof amax_[own]);
          quantise_(columns_, {before + i + own, first, tokens}, tile_);
        }
      }
    }
  }

 private:
  static constexpr int64_t kChunk = 2 * kLanes, kTurned = 32;
  static constexpr int64_t kFloatsOfAHalf = kTokensOfABlock * kColumnsOfAStrip;
  // Not a power of two, so that a token's columns are in lines of different sets of the cache.
  static constexpr int64_t kStride = kTokensOfABlock + 16;

  float* row(int64_t half, int64_t token) const {
    return numbers_.get() + half * kFloatsOfAHalf + token * kColumnsOfAStrip;
  }

  // Puts the products of some columns one after another, and finds their groups' largest
  // magnitudes.
  void turn(const float* from, int64_t tokens, int64_t count) {
    // Whole chunks: in turns the first odd element is behind all even ones.
    for (int64_t i = 0; i < (count + kChunk - 1) / kChunk * kChunk; i += kLanes) {
      // In turns a chunk's even elements are before its odd ones.
      const int64_t first = in_turns_ ? i / kChunk * kChunk + i % kChunk / kLanes : i;
      const int64_t step = in_turns_ ? 2 : 1;
      Bits largest{};
      for (int64_t token = 0; token < tokens; token += kLanes) {
        Number square[kLanes];
        for (int lane = 0; lane < kLanes; ++lane) {
          square[lane] = load<Number>(from + (token + lane) * kColumnsOfAStrip + i);
          largest = larger(largest, bits_of(magnitude(square[lane])));
        }
        turn_square<kLanes / 2>(square);
        for (int lane = 0; lane < kLanes; ++lane) {
          store(turned_[first + lane * step] + token, square[lane]);
        }
        const int64_t end = token + kLanes;
        if (end % call_.group_size != 0 && end < tokens) continue;
        for (int lane = 0; lane < kLanes; ++lane) {
          amax_[first + lane * step][token / call_.group_size] = largest[lane];
        }
        largest = Bits{};
      }
    }
  }

  // Exchanges rows and columns: of squares of 2 * kStep, then within their quarters.
  template <int kStep>
  OPPARITY_MEMBER void turn_square(Number (&rows)[kLanes]) {
    constexpr auto kUpper = [](int lane) { return lane & kStep ? kLanes + lane - kStep : lane; };
    constexpr auto kLower = [](int lane) { return lane & kStep ? kLanes + lane : lane + kStep; };
#pragma GCC unroll 16
    for (int row = 0; row < kLanes; ++row) {
      if (row & kStep) continue;
      const Number upper = rows[row], lower = rows[row + kStep];
      rows[row] = shuffled<kUpper>(upper, lower);
      rows[row + kStep] = shuffled<kLower>(upper, lower);
    }
    if constexpr (kStep > 1) turn_square<kStep / 2>(rows);
  }

  const Call& call_;
  const Call columns_;
  const Quantise quantise_;
  const bool in_turns_;
  const std::unique_ptr<float[]> numbers_;
  Tile tile_;
  alignas(64) float turned_[kTurned][kStride] = {};
  // Of the groups of each of these columns.
  uint32_t amax_[kTurned][kTokensOfABlock / kLeastGroup] = {};
};

}  // namespace
}  // namespace opparity::OPPARITY_CAPABILITY
