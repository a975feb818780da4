// The GPU kernel of every operator, for NVIDIA, AMD and, with stand-ins for a GPU's primitives, for
// a CPU. A thread takes some neighbours of a row, and the lanes of a group exchange their largest
// magnitude. One variant is compiled at a time; these macros say which:
//   OPPARITY_PRODUCER, OPPARITY_PRODUCER_FILE   the functor, and where it is
//   OPPARITY_INPUT, OPPARITY_GRADIENT           Float16, BFloat16, Float32
//   OPPARITY_FORMAT                             a value format, or Unquantised
//   OPPARITY_INTERMEDIATE                       a member of opparity::Intermediate
//   OPPARITY_INTERLEAVED, OPPARITY_BACKWARD     0 or 1
//   OPPARITY_GROUP_SIZE                         0 where there are no groups
//   OPPARITY_RULE                               a member of opparity::ScaleRule
//   OPPARITY_SCALE_IS_BYTE                      0 or 1
//   OPPARITY_ORDER                              of scales, a member of opparity::ScaleOrder
//   OPPARITY_HAS_BOUND                          1 where scales have an upper bound
//   OPPARITY_BOUNDS_AMAX                        1 where it is one of the largest magnitude
//   OPPARITY_HAS_TAIL                           1 where the last group of a row is short
//   OPPARITY_SHAPE                              a member of opparity::Shape
//   OPPARITY_BLOCKS                             blocks of 256 threads that a multiprocessor holds
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
constexpr bool kCountsThroughRows = kShape == Shape::kLarge || kShape == Shape::kMedium;

// Where a thread works.
struct Place {
  uint32_t token;
  // The piece in its row.
  uint32_t column;
  bool is_inside;
  // How many elements of the row are in the piece; all but for the end of an unaligned row.
  uint32_t count;
};

// False where the whole warp has nothing to do.
OPPARITY_FUNCTION bool find_place(const KernelArguments& arguments, Place& place) {
  const uint32_t index = block_index_x() * arguments.threads + thread_index();
  // Warps leave whole, and other lanes beyond the end compute the last piece and store nothing:
  // where some lanes may have left, an exchange takes eight instructions more. They are whole
  // groups, as pieces, in a row and in all, are a multiple of a group's.
  constexpr bool kGroupIsWarp = kLanes == 32;
  if constexpr (kGroupIsWarp || !kCountsThroughRows) {
    if ((kGroupIsWarp ? index : index & ~31u) >= arguments.pieces) return false;
  }
  place.is_inside = kGroupIsWarp || index < arguments.pieces;
  const uint32_t piece = place.is_inside ? index : arguments.pieces - 1;
  place.token = block_index_y();
  place.column = piece;
  if constexpr (kCountsThroughRows) {
    place.token = multiply_high(piece, arguments.multiplier) >> arguments.shift;
    place.column = piece - place.token * arguments.row_pieces;
  }
  place.count = kElements;
  if constexpr (kHasTail) {
    // Of a short last group some lanes have no elements.
    if (place.column > arguments.last_piece) place.is_inside = false;
  }
  if constexpr (kIsUnaligned) {
    if (place.column >= arguments.last_piece) {
      place.count = arguments.hidden_size - arguments.last_piece * kElements;
    }
  }
  return true;
}

// The elements that a thread works on.
struct Elements {
  Number gate[kElements];
  Number up[kElements];
};

template <typename Type>
constexpr int words_of(int elements) {
  return elements * Type::kBytes / 4;
}

template <typename Type, int kCount>
OPPARITY_FUNCTION void load_elements(const char* address, uint32_t count,
                                     Number (&elements)[kCount]) {
  if constexpr (kIsUnaligned) {
#pragma unroll
    for (int i = 0; i < kCount; ++i) {
      elements[i] = static_cast<uint32_t>(i) < count ? Type::load_one(address, i) : 0.0f;
    }
  } else {
    uint32_t words[words_of<Type>(kCount)];
    load_words(words, address);
    Type::widen(words, elements);
  }
}

OPPARITY_FUNCTION void load_input(const KernelArguments& arguments, const Place& place,
                                  Elements& elements) {
  uint32_t column = place.column;
  // A lane without elements reads those of the row's last piece, and does not count.
  if constexpr (kHasTail) column = column < arguments.last_piece ? column : arguments.last_piece;
  const char* row = arguments.input + place.token * arguments.input_row_bytes;
  constexpr int64_t kPieceBytes = kElements * Input::kBytes;
  if constexpr (!kIsGated) {
    load_elements<Input>(row + column * kPieceBytes, place.count, elements.gate);
  } else if constexpr (kIsInterleaved) {
    Number both[2 * kElements];
    load_elements<Input>(row + column * (2 * kPieceBytes), 2 * place.count, both);
#pragma unroll
    for (int i = 0; i < kElements; ++i) {
      elements.gate[i] = both[2 * i];
      elements.up[i] = both[2 * i + 1];
    }
  } else {
    const char* gates = row + column * kPieceBytes;
    const char* ups = gates + static_cast<int64_t>(arguments.hidden_size) * Input::kBytes;
    load_elements<Input>(gates, place.count, elements.gate);
    load_elements<Input>(ups, place.count, elements.up);
  }
}

template <typename Type, int kCount>
OPPARITY_FUNCTION void store_elements(char* address, uint32_t count,
                                      const Number (&elements)[kCount]) {
  if constexpr (kIsUnaligned) {
#pragma unroll
    for (int i = 0; i < kCount; ++i) {
      if (static_cast<uint32_t>(i) < count) Type::store_one(address, i, elements[i]);
    }
  } else {
    uint32_t words[words_of<Type>(kCount)];
    Type::narrow(elements, words);
    store_words(address, words);
  }
}

// f(gate) * h(up), rounded where the intermediate precision says so; returns the bits of the
// largest magnitude, NaN's above infinity's.
template <typename Functor>
OPPARITY_FUNCTION uint32_t produce(const KernelArguments& arguments, const Elements& elements,
                                   Number (&products)[kElements]) {
  constexpr bool kRoundsFactors = kIntermediate == Intermediate::kInputDtype;
  constexpr bool kRoundsProduct = kIntermediate != Intermediate::kFloat32;
  Number amax = 0.0f;
#pragma unroll
  for (int i = 0; i < kElements; i += 2) {
    Number pair[2];
#pragma unroll
    for (int j = 0; j < 2; ++j) pair[j] = Functor::gate(elements.gate[i + j], arguments.parameters);
    if constexpr (Functor::kIsGated) {
      if constexpr (kRoundsFactors) Input::round(pair[0], pair[1]);
      Number ups[2];
#pragma unroll
      for (int j = 0; j < 2; ++j) ups[j] = Functor::up(elements.up[i + j], arguments.parameters);
      if constexpr (kRoundsFactors && !Functor::kUpIsIdentity) Input::round(ups[0], ups[1]);
      pair[0] = pair[0] * ups[0];
      pair[1] = pair[1] * ups[1];
    }
    if constexpr (kRoundsProduct) Input::round(pair[0], pair[1]);
    products[i] = pair[0];
    products[i + 1] = pair[1];
    amax = maximum_or_nan(amax, maximum_or_nan(magnitude(pair[0]), magnitude(pair[1])));
  }
  return bits_of(amax);
}

template <typename Format>
OPPARITY_FUNCTION GroupScale scale_of_group(const KernelArguments& arguments, uint32_t amax) {
  ScaleSettings settings{number_of(kInfinityBits), arguments.least, 1.0f};
  if constexpr (OPPARITY_HAS_BOUND) settings.bound = *arguments.scale_bound;
  if constexpr (OPPARITY_BOUNDS_AMAX) settings.bound = divide(settings.bound, Format::kMaximum);
  if (arguments.given_scale != nullptr) settings.given = *arguments.given_scale;
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

OPPARITY_FUNCTION void store_scale(const KernelArguments& arguments, const Place& place,
                                   const GroupScale& scale) {
  const uint32_t group = place.column / kLanes;
  const uint32_t token = arguments.first_token + place.token;
  char* address = arguments.scales + scale_offset(arguments.place, token, group);
  if constexpr (kOrder == ScaleOrder::kInTiles) clear_padding(arguments, token, group);
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

template <typename Functor, typename Format>
OPPARITY_FUNCTION void forward(const KernelArguments& arguments) {
  Place place;
  if (!find_place(arguments, place)) return;
  if constexpr (kCountsThroughRows) let_next_kernel_start();
  wait_for_previous_kernel();
  // Sooner, several small kernels would hold the chip while they wait: 64 x 7168 took 2.37 us so.
  if constexpr (!kCountsThroughRows) let_next_kernel_start();
  Elements elements;
  load_input(arguments, place, elements);
  Number products[kElements];
  uint32_t amax = produce<Functor>(arguments, elements, products);
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
    const GroupScale scale = scale_of_group<Format>(arguments, amax);
    uint32_t codes[kCodeWords<Format, kElements>];
    encode_all<Format, kMayExceed>(products, scale.factor, amax, codes);
    if (!place.is_inside) return;
    store_codes<Format>(arguments, place, codes);
    if constexpr (kGroupSize > 0) {
      if (place.column % kLanes == 0) store_scale(arguments, place, scale);
    }
  }
}

// The gradient of the input by that of the products; quantisation counts as the identity.
template <typename Functor>
OPPARITY_FUNCTION void backward(const KernelArguments& arguments) {
  Place place;
  if (!find_place(arguments, place)) return;
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

#if OPPARITY_ROWS
#include "native/gpu/rows.h"
#endif

extern "C" OPPARITY_KERNEL(OPPARITY_BLOCKS)
    opparity_kernel(OPPARITY_GRID_CONSTANT KernelArguments a) {
#if OPPARITY_ROWS
  rows<OPPARITY_PRODUCER, OPPARITY_FORMAT>(a);
#elif OPPARITY_BACKWARD
  backward<OPPARITY_PRODUCER>(a);
#else
  forward<OPPARITY_PRODUCER, OPPARITY_FORMAT>(a);
#endif
}
