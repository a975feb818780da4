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
  Strip(const Call& call, int64_t halves)
      : call_(call),
        columns_(turned(call)),
        quantise_(choose_quantiser<false>(call)),
        halves_(halves),
        numbers_(new float[static_cast<size_t>(halves * kTokensOfABlock * kColumnsOfAStrip)]) {
    // In turns a chunk's even elements are before its odd ones.
    const bool in_turns = is_in_turns(call);
    for (int64_t i = 0; i < kColumnsOfAStrip; ++i) {
      const int64_t within = i % kChunk;
      const int64_t place = in_turns ? within % 2 * kLanes + within / 2 : within;
      places_[i] = static_cast<int32_t>(i - within + place);
    }
  }

  // Keeps a token's products, counted from the block's first.
  void keep(int64_t token, int64_t half, const Tile& tile, int64_t columns) {
    const int64_t whole = (columns + kChunk - 1) / kChunk * kChunk;
    std::memcpy(numbers_.get() + (half * kTokensOfABlock + token) * kColumnsOfAStrip, tile.products,
                static_cast<size_t>(whole) * sizeof(float));
  }

  // Quantises the columns of tokens [first, first + tokens) from column `begin` of each half on.
  void quantise(int64_t first, int64_t tokens, int64_t begin, int64_t columns) {
    for (int64_t half = 0; half < halves_; ++half) {
      const int64_t before = half * (call_.hidden_size / halves_) + begin;
      const float* rows = numbers_.get() + half * kTokensOfABlock * kColumnsOfAStrip;
      for (int64_t i = 0; i < columns; i += kTurned) {
        const int64_t count = std::min(kTurned, columns - i);
        turn(rows, tokens, i, count);
        for (int64_t own = 0; own < count; ++own) quantise_one(own, before + i + own, first, tokens);
      }
    }
  }

 private:
  static constexpr int64_t kChunk = 2 * kLanes, kTurned = 64;
  // Not a power of two, so that a token's columns are in lines of different sets of the cache.
  static constexpr int64_t kStride = kTokensOfABlock + 16;

  // Puts the products of some columns one after another, with zeros behind the last token.
  void turn(const float* rows, int64_t tokens, int64_t begin, int64_t count) {
    for (int64_t token = 0; token < tokens; ++token) {
      const float* row = rows + token * kColumnsOfAStrip;
      for (int64_t i = 0; i < count; ++i) turned_[i][token] = row[places_[begin + i]];
    }
    for (int64_t i = 0; i < count; ++i) {
      std::fill(turned_[i] + tokens, turned_[i] + kTokensOfABlock, 0.0f);
    }
  }

  void quantise_one(int64_t own, int64_t column, int64_t first, int64_t tokens) {
    std::memcpy(tile_.products, turned_[own], kTokensOfABlock * sizeof(float));
    for (int64_t unit = 0; unit * call_.group_size < tokens; ++unit) {
      const float* products = turned_[own] + unit * call_.group_size;
      uint32_t amax = 0;
      for (int64_t token = 0; token < call_.group_size; ++token) {
        uint32_t bits;
        std::memcpy(&bits, products + token, sizeof bits);
        bits &= 0x7fffffffu;
        amax = bits > amax ? bits : amax;
      }
      tile_.amax[unit] = amax;
    }
    quantise_(columns_, {column, first, tokens}, tile_);
  }

  const Call& call_;
  const Call columns_;
  const Quantise quantise_;
  const int64_t halves_;
  const std::unique_ptr<float[]> numbers_;
  int32_t places_[kColumnsOfAStrip];
  Tile tile_;
  alignas(64) float turned_[kTurned][kStride];
};

}  // namespace
}  // namespace opparity::OPPARITY_CAPABILITY
