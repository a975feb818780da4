// Scales of several groups that share their lanes: of a row's steps, of a tile's turns, of columns.
// Where every lane had all of them, each would exchange every group's largest magnitude and work
// out every scale. So with each exchange a lane gives away half of what it has, works out the
// scales of what is left, one where there are as many lanes as groups, and gets the other groups'
// factors back. Included behind what kernel.h defines.
#pragma once

#include "native/gpu/memory.h"

namespace {

constexpr int next_power_of_two(int number) {
  int power = 1;
  while (power < number) power *= 2;
  return power;
}

// The first of the groups that are left to a lane in the end; the others follow.
template <int kLanes, int kCount, int kStep = 1>
OPPARITY_FUNCTION uint32_t first_group_of_lane(uint32_t lane) {
  if constexpr (kCount == 1 || kStep == kLanes) {
    return 0;
  } else {
    const uint32_t own = (lane & kStep) != 0 ? kCount / 2 : 0;
    return own + first_group_of_lane<kLanes, kCount / 2, 2 * kStep>(lane);
  }
}

// From the largest magnitudes among a lane's own products of each group, a power of two of groups,
// to each group's factor. `factors_of` is given those of the groups that are left to the lane.
template <int kLanes, int kStep = 1, int kCount, typename FactorsOf>
OPPARITY_FUNCTION void spread_over_lanes(uint32_t lane, const uint32_t (&amax)[kCount],
                                         Number (&factors)[kCount], const FactorsOf& factors_of) {
  if constexpr (kStep == kLanes) {
    factors_of(amax, factors);
  } else if constexpr (kCount == 1) {
    const uint32_t both[1] = {larger(amax[0], from_lane<kStep>(amax[0]))};
    spread_over_lanes<kLanes, 2 * kStep>(lane, both, factors, factors_of);
  } else {
    constexpr int kHalf = kCount / 2;
    const bool is_upper = (lane & kStep) != 0;
    uint32_t kept[kHalf];
    Number own[kHalf];
#pragma unroll
    for (int i = 0; i < kHalf; ++i) {
      const uint32_t given = is_upper ? amax[i] : amax[kHalf + i];
      kept[i] = larger(is_upper ? amax[kHalf + i] : amax[i], from_lane<kStep>(given));
    }
    spread_over_lanes<kLanes, 2 * kStep>(lane, kept, own, factors_of);
#pragma unroll
    for (int i = 0; i < kHalf; ++i) {
      const Number other = number_of(from_lane<kStep>(bits_of(own[i])));
      factors[i] = is_upper ? other : own[i];
      factors[kHalf + i] = is_upper ? own[i] : other;
    }
  }
}

// The same for `kCount` groups, whatever number that is, and writes their scales. `place_of` gives
// where a group begins; those that are not inside have no scale.
template <typename Format, int kLanes, int kCount, typename PlaceOf>
OPPARITY_FUNCTION void factors_of_groups(const KernelArguments& arguments, uint32_t lane,
                                         const uint32_t (&amax)[kCount], Number (&factors)[kCount],
                                         const PlaceOf& place_of) {
  constexpr int kSpread = next_power_of_two(kCount);
  uint32_t spread_amax[kSpread] = {};
  Number spread_factors[kSpread];
#pragma unroll
  for (int i = 0; i < kCount; ++i) spread_amax[i] = amax[i];
  const uint32_t first = first_group_of_lane<kLanes, kSpread>(lane);
  spread_over_lanes<kLanes>(lane, spread_amax, spread_factors, [&](const auto& largest, auto& own) {
    constexpr uint32_t kOwn = sizeof own / sizeof own[0];
#pragma unroll
    for (uint32_t i = 0; i < kOwn; ++i) {
      const Place place = place_of(first + i);
      const GroupScale scale = scale_of_group<Format>(arguments, place, largest[i]);
      own[i] = scale.factor;
      // Several lanes have the same groups where there are more lanes.
      if (place.is_inside && lane < kSpread) store_scale(arguments, place, scale);
    }
  });
#pragma unroll
  for (int i = 0; i < kCount; ++i) factors[i] = spread_factors[i];
}

}  // namespace
