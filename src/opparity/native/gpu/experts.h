// Valid rows of experts, counted through: a block keeps how many there are up to each expert's
// last, and finds a row's expert by halving. gpu/kernel.h includes this with
//   OPPARITY_EXPERTS      1 where rows are experts'
//   OPPARITY_ROW_WEIGHTS  1 where each has a weight
#pragma once

#include "native/experts.h"
#include "native/gpu/pieces.h"

namespace {

constexpr int kMostExperts = kHasExperts ? 1024 : 1;
constexpr uint32_t kExpertLanes = 32;

struct ExpertTable {
  // Of the rows up to an expert's last, and its first in the list of all rows.
  uint32_t ends[kMostExperts];
  uint32_t firsts[kMostExperts];
};

// What the lanes before this one have, put together.
template <typename Join, uint32_t kStep = 1>
OPPARITY_FUNCTION uint32_t of_lanes_before(uint32_t own, const Join& join, uint32_t before = 0) {
  if constexpr (kStep == kExpertLanes) {
    return before;
  } else {
    const uint32_t other = from_lane<kStep>(own);
    if ((thread_index() & kStep) != 0) before = join(other, before);
    return of_lanes_before<Join, 2 * kStep>(join(own, other), join, before);
  }
}

// Each lane of the first warp takes neighbouring experts.
OPPARITY_FUNCTION void fill_experts(const KernelArguments& arguments, ExpertTable& table) {
  const opparity::Experts& experts = arguments.experts;
  const int64_t num_tokens = arguments.num_tokens;
  const auto count = static_cast<uint32_t>(experts.count);
  if (thread_index() < kExpertLanes) {
    const uint32_t share = (count + kExpertLanes - 1) / kExpertLanes;
    const uint32_t begin = thread_index() * share;
    const uint32_t end = begin + share < count ? begin + share : count;
    uint32_t greatest = 0;
    for (uint32_t i = begin; i < end; ++i) {
      greatest = larger(greatest, static_cast<uint32_t>(mark_of(experts, num_tokens, i)));
    }
    uint32_t before =
        of_lanes_before(greatest, [](uint32_t a, uint32_t b) { return larger(a, b); });
    uint32_t rows = 0;
    for (uint32_t i = begin; i < end; ++i) {
      const opparity::ExpertRows found = rows_of_expert(experts, num_tokens, i, before);
      before = larger(before, static_cast<uint32_t>(mark_of(experts, num_tokens, i)));
      rows += static_cast<uint32_t>(found.count);
      table.firsts[i] = static_cast<uint32_t>(found.first);
      table.ends[i] = rows;
    }
    const uint32_t earlier = of_lanes_before(rows, [](uint32_t a, uint32_t b) { return a + b; });
    for (uint32_t i = begin; i < end; ++i) table.ends[i] += earlier;
  }
  synchronise_block();
}

OPPARITY_FUNCTION uint32_t valid_rows(const KernelArguments& arguments, const ExpertTable& table) {
  return table.ends[arguments.experts.count - 1];
}

// Puts a row, counted through the valid ones, where it is.
OPPARITY_FUNCTION void find_row(const KernelArguments& arguments, const ExpertTable& table,
                                uint32_t row, Place& place) {
  uint32_t expert = 0, behind = static_cast<uint32_t>(arguments.experts.count) - 1;
  while (expert < behind) {
    const uint32_t middle = (expert + behind) / 2;
    if (table.ends[middle] > row) {
      behind = middle;
    } else {
      expert = middle + 1;
    }
  }
  const uint32_t own = row - (expert == 0 ? 0 : table.ends[expert - 1]);
  place.token = table.firsts[expert] + own;
  const opparity::ExpertScales scales =
      scales_of_expert(arguments.experts, expert, table.firsts[expert]);
  place.expert = expert;
  place.scale_bytes = scales.bytes;
  place.scale_token = static_cast<uint32_t>(scales.first_token) + own;
}

}  // namespace
