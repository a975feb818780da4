// Which rows experts have: docs/numerics.md, section 11. Whatever the numbers are that a router
// left on the device, rows lie within the tensors. Functions are constexpr, so that HIP compiles
// them for a device too.
#pragma once

#include "native/call.h"

namespace opparity {

struct ExpertRows {
  // In the list of all rows.
  int64_t first, count;
  // So many rows behind them belong to nobody and have scales of zero.
  int64_t gap;
};

constexpr int64_t limited(int64_t number, int64_t least, int64_t most) {
  return number < least ? least : number > most ? most : number;
}

constexpr int64_t next_multiple(int64_t number, int64_t multiple) {
  return (number + multiple - 1) / multiple * multiple;
}

// A number of `rows`, as it counts for the experts behind it where these begin behind the greatest.
constexpr int64_t mark_of(const Experts& experts, int64_t num_tokens, int64_t expert) {
  return limited(experts.rows[expert], 0, num_tokens);
}

// `before` is the greatest mark of the experts before it, 0 for none.
constexpr ExpertRows rows_of_expert(const Experts& experts, int64_t num_tokens, int64_t expert,
                                    int64_t before) {
  const int64_t number = experts.rows[expert];
  if (experts.layout == ExpertLayout::kMasked) {
    return {expert * experts.room, limited(number, 0, experts.room), 0};
  }
  if (experts.layout == ExpertLayout::kTokens) {
    return {0, limited(number * experts.multiple, 0, num_tokens), 0};
  }
  if (experts.layout == ExpertLayout::kPsum) {
    const int64_t first = limited(next_multiple(before, experts.multiple), 0, num_tokens);
    const int64_t end = limited(number, first, num_tokens);
    const int64_t next = limited(next_multiple(end, experts.multiple), 0, num_tokens);
    return {first, end - first, next - end};
  }
  const int64_t first = limited(number, before, num_tokens);
  int64_t count = limited(experts.rows[expert + 1], first, num_tokens) - first;
  if (experts.scale_offsets != nullptr) {
    // Tiles are whole, or there are none.
    const int64_t offset = experts.scale_offsets[expert];
    const int64_t room = offset < 0 ? 0 : (experts.scale_rows - offset) / 128 * 128;
    count = limited(count, 0, limited(room, 0, num_tokens));
  }
  return {first, count, 0};
}

// Where an expert's scales begin, in bytes from the first of all, and the row that its first row
// counts as there.
struct ExpertScales {
  int64_t bytes, first_token;
};

constexpr ExpertScales scales_of_expert(const Experts& experts, int64_t expert, int64_t first_row) {
  if (experts.layout == ExpertLayout::kMasked) return {expert * experts.scale_bytes, 0};
  if (experts.scale_offsets == nullptr) return {0, first_row};
  return {experts.scale_offsets[expert] * experts.scale_bytes, 0};
}

}  // namespace opparity
