// The GPU kernel of every operator, for NVIDIA, AMD and, with stand-ins for a GPU's primitives, for
// a CPU. A thread takes some neighbours of a row, and the lanes of a group exchange their largest
// magnitude. One variant is compiled at a time; these macros say which:
//   OPPARITY_PRODUCER, OPPARITY_PRODUCER_FILE   the functor, and where it is
//   OPPARITY_INPUT, OPPARITY_GRADIENT           Float16, BFloat16, Float32
//   OPPARITY_FORMAT                             a value format, or Unquantised
//   OPPARITY_INTERMEDIATE                       a member of opparity::Intermediate
//   OPPARITY_INTERLEAVED, OPPARITY_BACKWARD     0 or 1
//   OPPARITY_QUANTISES_GRADIENT                 1 where the input's gradient takes the product's
//                                               place (gpu/gradients.h)
//   OPPARITY_GROUP_SIZE                         0 where there are no groups
//   OPPARITY_RULE                               a member of opparity::ScaleRule
//   OPPARITY_SCALE_IS_BYTE                      0 or 1
//   OPPARITY_ORDER                              of scales, a member of opparity::ScaleOrder
//   OPPARITY_HAS_BOUND                          1 where scales have an upper bound
//   OPPARITY_BOUNDS_AMAX                        1 where it is one of the largest magnitude
//   OPPARITY_HAS_TAIL                           1 where the last group of a row is short
//   OPPARITY_SHAPE                              a member of opparity::Shape
//   OPPARITY_THREADS                            the most that a block has
//   OPPARITY_BLOCKS                             such blocks that a multiprocessor holds
//   OPPARITY_EXPERTS, OPPARITY_ROW_WEIGHTS      1 where rows are experts' (gpu/experts.h)
//   OPPARITY_SUMS                               1 where the input is int32 sums (gpu/sums.h)
//   OPPARITY_COLUMNS                            1 where columns are written too (gpu/columns.h)
//   OPPARITY_ROWS                               1 for whole rows, with the macros of gpu/rows.h
#pragma once

#if defined(__CUDACC__)
#include "native/platforms/cuda.h"
#elif defined(__HIP__)
#include "native/platforms/hip.h"
#else
#include "native/platforms/host.h"
#endif

#include OPPARITY_PRODUCER_FILE

#include "native/contract/gradient.h"
#include "native/gpu/arguments.h"
#include "native/gpu/encoding.h"
#include "native/gpu/memory.h"

namespace {

using opparity::Intermediate;
using opparity::KernelArguments;
using opparity::ScaleOrder;
using opparity::ScaleRule;
using opparity::Shape;

using Input = OPPARITY_INPUT;
using Gradient = OPPARITY_GRADIENT;

constexpr Intermediate kIntermediate = Intermediate::OPPARITY_INTERMEDIATE;
constexpr Shape kShape = Shape::OPPARITY_SHAPE;
constexpr bool kIsInterleaved = OPPARITY_INTERLEAVED;
constexpr bool kIsUnaligned = kShape == Shape::kUnaligned || kShape == Shape::kUnalignedRow;
constexpr bool kIsGated = OPPARITY_PRODUCER::kIsGated;
constexpr int kGroupSize = OPPARITY_GROUP_SIZE;
// As arguments the rule, the scales' place, the bound and the tail took 4 % of the time at 4096 x
// 7168 (H200).
constexpr ScaleRule kRule = ScaleRule::OPPARITY_RULE;
constexpr ScaleOrder kOrder = ScaleOrder::OPPARITY_ORDER;
constexpr bool kHasTail = OPPARITY_HAS_TAIL;
// Whether a quotient may be beyond the format's range. By these rules amax is not, and so nothing
// is.
constexpr bool kMayExceed =
    kRule == ScaleRule::kAmax ? OPPARITY_HAS_BOUND != 0 : kRule != ScaleRule::kCeil;
constexpr int kElements = static_cast<int>(opparity::elements_of_a_thread(kShape, kGroupSize));
// The lanes of a group.
constexpr int kLanes = kGroupSize == 0 ? 1 : kGroupSize / kElements;
// Counted through all rows, no width leaves lanes without work. With the token as the grid's second
// dimension the first load starts sooner.
constexpr bool kHasExperts = OPPARITY_EXPERTS;
// Known when it is compiled, so that kernels without weights stay as they are.
constexpr bool kWeighsRows = OPPARITY_ROW_WEIGHTS;
// Whether the input is int32 sums, which stand for numbers of its type.
constexpr bool kReadsSums = OPPARITY_SUMS;
// Whether what is quantised is the gradient of the input. A row of the output is one of the input.
constexpr bool kQuantisesGradient = OPPARITY_QUANTISES_GRADIENT;
// A thread has a piece of the gates' gradients and the same one of the ups'.
constexpr bool kTakesBothHalves = kQuantisesGradient && kIsGated && !kIsInterleaved;
// Blocks stay until all pieces are done.
constexpr bool kStays = kShape == Shape::kTabled;
constexpr bool kCountsThroughRows =
    (!kHasExperts || kStays) && opparity::counts_through_rows(kShape);

}  // namespace

#include "native/gpu/experts.h"
#include "native/gpu/gradients.h"
#include "native/gpu/pieces.h"
#include "native/gpu/products.h"
#include "native/gpu/table.h"

namespace {

template <typename Format>
OPPARITY_FUNCTION GroupScale scale_of_group(const KernelArguments& arguments, const Place& place,
                                            uint32_t amax) {
  ScaleSettings settings{number_of(kInfinityBits), arguments.least, 1.0f};
  if constexpr (OPPARITY_HAS_BOUND) settings.bound = *arguments.scale_bound;
  if constexpr (OPPARITY_BOUNDS_AMAX) settings.bound = divide(settings.bound, Format::kMaximum);
  if (arguments.given_scale != nullptr) {
    const int64_t own = kHasExperts ? place.expert * arguments.experts.scale_step : 0;
    settings.given = arguments.given_scale[own];
  }
  return scale_of<Format>(kRule, amax, settings);
}

OPPARITY_FUNCTION int64_t scale_offset(const opparity::ScalePlace& place, uint32_t token,
                                       uint32_t group) {
  if constexpr (kOrder == ScaleOrder::kStrided) {
    return token * place.token + group * place.group;
  }
  if constexpr (kOrder == ScaleOrder::kInWords) {
    return token * place.token + (group >> 2) * place.group_4 + (group & 3);
  }
  return (token >> 7) * place.token_128 + ((token >> 5) & 3) * place.token_32 +
         (token & 31) * place.token + (group >> 2) * place.group_4 + (group & 3) * place.group;
}

// Writes zeros where tiles have room behind the scales: each token sees to the rows that are a
// multiple of the tokens further on, and the last group to the columns behind it.
OPPARITY_FUNCTION void clear_padding(const KernelArguments& arguments, uint32_t token,
                                     uint32_t group) {
  const bool is_last = group * kGroupSize + kGroupSize >= arguments.hidden_size;
  const uint32_t end = is_last ? arguments.place.padded_groups : group + 1;
  for (uint32_t row = token; row < arguments.place.padded_tokens; row += arguments.num_tokens) {
    for (uint32_t column = row == token ? group + 1 : group; column < end; ++column) {
      arguments.scales[scale_offset(arguments.place, row, column)] = 0;
    }
  }
}

// Of an expert's row no more than what is behind its own scales is written.
OPPARITY_FUNCTION void clear_behind(const KernelArguments& arguments, char* scales, uint32_t token,
                                    uint32_t group) {
  if (group * kGroupSize + kGroupSize < arguments.hidden_size) return;
  for (uint32_t column = group + 1; column < arguments.place.padded_groups; ++column) {
    scales[scale_offset(arguments.place, token, column)] = 0;
  }
}

OPPARITY_FUNCTION void store_scale(const KernelArguments& arguments, const Place& place,
                                   const GroupScale& scale) {
  const uint32_t group = place.column / kLanes;
  const uint32_t token = kHasExperts ? place.scale_token : arguments.first_token + place.token;
  char* scales = arguments.scales + (kHasExperts ? place.scale_bytes : 0);
  char* address = scales + scale_offset(arguments.place, token, group);
  if constexpr (kHasExperts) {
    if constexpr (kOrder != ScaleOrder::kStrided) clear_behind(arguments, scales, token, group);
  } else if constexpr (kOrder == ScaleOrder::kInTiles) {
    clear_padding(arguments, token, group);
  }
  if constexpr (OPPARITY_SCALE_IS_BYTE) {
    *reinterpret_cast<uint8_t*>(address) = static_cast<uint8_t>(scale.code);
  } else {
    *reinterpret_cast<float*>(address) = scale.scale;
  }
}

template <typename Format>
OPPARITY_FUNCTION void store_codes(const KernelArguments& arguments, const Place& place,
                                   const uint32_t (&codes)[kCodeWords<Format, kElements>]) {
  constexpr int64_t kPieceBytes = kElements * Format::kBits / 8;
  char* address =
      arguments.values + place.token * arguments.values_row_bytes + place.column * kPieceBytes;
  if constexpr (kIsUnaligned) {
    store_bytes(address, codes, place.count * Format::kBits / 8);
  } else {
    store_piece<kPieceBytes>(address, codes);
  }
}

// Writes what a thread's products become, and the scale of their group.
template <typename Format>
OPPARITY_FUNCTION void write(const KernelArguments& arguments, const Place& place,
                             const Number (&products)[kElements], uint32_t amax) {
  if constexpr (Format::kBits > 8) {
    if (!place.is_inside) return;
    constexpr int64_t kPieceBytes = kElements * Input::kBytes;
    store_elements<Input>(
        arguments.values + place.token * arguments.values_row_bytes + place.column * kPieceBytes,
        place.count, products);
  } else {
    if constexpr (kGroupSize > 0) {
      if (kHasTail && !place.is_inside) amax = 0;
      // As integers, where magnitudes of NaN are above infinity's. The warp is whole.
      amax = maximum_of_lanes<kLanes>(amax);
    }
    const GroupScale scale = scale_of_group<Format>(arguments, place, amax);
    uint32_t codes[kCodeWords<Format, kElements>];
    encode_all<Format, kMayExceed>(products, scale.factor, amax, codes);
    if (!place.is_inside) return;
    store_codes<Format>(arguments, place, codes);
    if constexpr (kGroupSize > 0) {
      if (place.column % kLanes == 0) store_scale(arguments, place, scale);
    }
  }
}

template <typename Functor, typename Format>
OPPARITY_FUNCTION void forward(const KernelArguments& arguments) {
  Place place;
  if (!find_place(arguments, arguments.pieces, first_piece(arguments), place)) return;
  if constexpr (kCountsThroughRows) let_next_kernel_start();
  wait_for_previous_kernel();
  // Sooner, several small kernels would hold the chip while they wait: 64 x 7168 took 2.37 us so.
  if constexpr (!kCountsThroughRows) let_next_kernel_start();
  Elements elements;
  load_input(arguments, place, elements);
  if constexpr (kTakesBothHalves) {
    differentiate_all<Functor>(arguments, elements);
    write<Format>(arguments, place, elements.gate, round_and_measure(place, elements.gate));
    place.column += arguments.row_pieces;
    write<Format>(arguments, place, elements.up, round_and_measure(place, elements.up));
  } else {
    Number products[kElements];
    const uint32_t amax = numbers_of<Functor>(arguments, place, elements, products);
    write<Format>(arguments, place, products, amax);
  }
}

}  // namespace

#include "native/gpu/expert_rows.h"

namespace {

// The same by a table. What a thread reads next is on its way while it works.
template <typename Functor, typename Format>
OPPARITY_FUNCTION void forward_by_table(const KernelArguments& arguments) {
  OPPARITY_SHARED Number table[kTableNumbers<Functor>];
  OPPARITY_SHARED ExpertTable experts;
  let_next_kernel_start();
  wait_for_previous_kernel();
  uint32_t pieces = arguments.pieces;
  if constexpr (kHasExperts) {
    fill_experts(arguments, experts);
    pieces = valid_rows(arguments, experts) * arguments.row_pieces;
  }
  const auto find = [&](uint32_t piece, Place& place) {
    if (!find_place(arguments, pieces, piece, place)) return false;
    if constexpr (kHasExperts) find_row(arguments, experts, place.token, place);
    return true;
  };
  uint32_t piece = first_piece(arguments);
  Place place, next_place;
  PieceWords words, next_words;
  bool goes_on = find(piece, place);
  if (goes_on) load_words_of_input(arguments, place, words);
  // The first loads take longer than the table.
  fill_table<Functor>(arguments, table);
  synchronise_block();
  while (goes_on) {
    piece += arguments.step;
    goes_on = find(piece, next_place);
    if (goes_on) load_words_of_input(arguments, next_place, next_words);
    Number products[kElements];
    const uint32_t amax = produce_by_table<Functor>(arguments, place, table, words, products);
    write<Format>(arguments, place, products, amax);
    place = next_place;
    words = next_words;
  }
  if constexpr (kHasExperts && kGroupSize > 0) {
    clear_gaps(arguments, experts, block_index_x(), arguments.step / arguments.threads);
  }
}

// The gradient of the input by that of the products; quantisation counts as the identity.
template <typename Functor>
OPPARITY_FUNCTION void backward(const KernelArguments& arguments) {
  Place place;
  if (!find_place(arguments, arguments.pieces, first_piece(arguments), place)) return;
  if constexpr (kCountsThroughRows) let_next_kernel_start();
  wait_for_previous_kernel();
  if constexpr (!kCountsThroughRows) let_next_kernel_start();
  if (!place.is_inside) return;
  Elements elements;
  load_input(arguments, place, elements);
  Number gradient[kElements];
  load_elements<Gradient>(arguments.gradient + place.token * arguments.gradient_row_bytes +
                              place.column * static_cast<int64_t>(kElements * Gradient::kBytes),
                          place.count, gradient);
  char* row = arguments.values + place.token * arguments.values_row_bytes;
  constexpr int64_t kPieceBytes = kElements * Input::kBytes;
#pragma unroll
  for (int i = 0; i < kElements; ++i) {
    differentiate<Functor>(elements.gate[i], elements.up[i], gradient[i], arguments.parameters);
  }
  if constexpr (kIsGated && kIsInterleaved) {
    Number both[2 * kElements];
#pragma unroll
    for (int i = 0; i < kElements; ++i) {
      both[2 * i] = elements.gate[i];
      both[2 * i + 1] = elements.up[i];
    }
    store_elements<Input>(row + place.column * (2 * kPieceBytes), 2 * place.count, both);
  } else {
    char* gates = row + place.column * kPieceBytes;
    store_elements<Input>(gates, place.count, elements.gate);
    if constexpr (kIsGated) {
      char* ups = gates + static_cast<int64_t>(arguments.hidden_size) * Input::kBytes;
      store_elements<Input>(ups, place.count, elements.up);
    }
  }
}

}  // namespace

#if OPPARITY_COLUMNS
#include "native/gpu/columns.h"
#elif OPPARITY_ROWS
#include "native/gpu/rows.h"
#if OPPARITY_BACKWARD
#include "native/gpu/rows_backward.h"
#endif
#endif

extern "C" OPPARITY_KERNEL(OPPARITY_THREADS, OPPARITY_BLOCKS)
    opparity_kernel(OPPARITY_GRID_CONSTANT KernelArguments a) {
#if OPPARITY_COLUMNS
  with_columns<OPPARITY_PRODUCER, OPPARITY_FORMAT>(a);
#elif OPPARITY_ROWS && OPPARITY_BACKWARD
  if constexpr (OPPARITY_ADDS) {
    add_accumulators(a);
  } else {
    rows_backward<OPPARITY_PRODUCER>(a);
  }
#elif OPPARITY_ROWS
  rows<OPPARITY_PRODUCER, OPPARITY_FORMAT>(a);
#elif OPPARITY_BACKWARD
  backward<OPPARITY_PRODUCER>(a);
#else
  if constexpr (kStays) {
    forward_by_table<OPPARITY_PRODUCER, OPPARITY_FORMAT>(a);
  } else if constexpr (kHasExperts) {
    forward_by_experts<OPPARITY_PRODUCER, OPPARITY_FORMAT>(a);
  } else {
    forward<OPPARITY_PRODUCER, OPPARITY_FORMAT>(a);
  }
#endif
}
