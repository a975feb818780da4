// The NVIDIA kernel of silu_and_mul_per_block_quant: a thread takes `Elements` neighbours of gate
// and of up, and `GroupSize / Elements` lanes make a group.
//
// Nothing is marked for early eviction: with evict-first loads (ld.global.cs) the same kernel took
// 1.045 times the speed-of-light kernel's time instead of 0.998 (16384 x 7168, H100).
#include <cuda_fp16.h>

#include "native/numerics.cuh"
#include "native/overlap.cuh"

namespace {

struct Float16 {
  using Storage = uint16_t;
  OPPARITY_DEVICE static float low(uint32_t word) {
    return __half2float(__ushort_as_half(static_cast<uint16_t>(word)));
  }
  OPPARITY_DEVICE static float high(uint32_t word) {
    return __half2float(__ushort_as_half(static_cast<uint16_t>(word >> 16)));
  }
  OPPARITY_DEVICE static void round(float& a, float& b) { round_to_float16(a, b); }
};

struct BFloat16 {
  using Storage = uint16_t;
  OPPARITY_DEVICE static float low(uint32_t word) { return float_of(word << 16); }
  OPPARITY_DEVICE static float high(uint32_t word) { return float_of(word & 0xffff0000u); }
  OPPARITY_DEVICE static void round(float& a, float& b) { round_to_bfloat16(a, b); }
};

struct Float32 {
  using Storage = uint32_t;
};

// `Words` 32-bit words in the widest loads that the alignment allows: `Bytes` at a time.
template <int Words, int Bytes>
OPPARITY_DEVICE void load(uint32_t (&words)[Words], const void* address) {
  if constexpr (Bytes >= 16) {
#pragma unroll
    for (int i = 0; i < Words; i += 4) {
      uint4 part = static_cast<const uint4*>(address)[i / 4];
      words[i] = part.x, words[i + 1] = part.y, words[i + 2] = part.z, words[i + 3] = part.w;
    }
  } else if constexpr (Bytes == 8) {
#pragma unroll
    for (int i = 0; i < Words; i += 2) {
      uint2 part = static_cast<const uint2*>(address)[i / 2];
      words[i] = part.x, words[i + 1] = part.y;
    }
  } else if constexpr (Bytes == 4) {
#pragma unroll
    for (int i = 0; i < Words; ++i) words[i] = static_cast<const uint32_t*>(address)[i];
  } else {
    // Rows that begin at an odd 16-bit number.
#pragma unroll
    for (int i = 0; i < Words; ++i) {
      const auto* halves = static_cast<const uint16_t*>(address) + 2 * i;
      words[i] = halves[0] | (static_cast<uint32_t>(halves[1]) << 16);
    }
  }
}

template <int Words, int Bytes>
OPPARITY_DEVICE void store(void* address, const uint32_t (&words)[Words]) {
  if constexpr (Bytes >= 16 && Words >= 4) {
#pragma unroll
    for (int i = 0; i < Words; i += 4) {
      static_cast<uint4*>(address)[i / 4] =
          make_uint4(words[i], words[i + 1], words[i + 2], words[i + 3]);
    }
  } else if constexpr (Bytes >= 8 && Words >= 2) {
#pragma unroll
    for (int i = 0; i < Words; i += 2) {
      static_cast<uint2*>(address)[i / 2] = make_uint2(words[i], words[i + 1]);
    }
  } else if constexpr (Bytes >= 4) {
#pragma unroll
    for (int i = 0; i < Words; ++i) static_cast<uint32_t*>(address)[i] = words[i];
  } else {
#pragma unroll
    for (int i = 0; i < 4 * Words; ++i) {
      static_cast<uint8_t*>(address)[i] = static_cast<uint8_t>(words[i / 4] >> (8 * (i % 4)));
    }
  }
}

// What the launcher passes; native/gpu_launcher.cpp has the same record.
struct Arguments {
  const char* input;
  char* out;
  float* scales;
  const float* scale_bound;
  int64_t input_row_bytes;
  int64_t out_row_bytes;
  int64_t scale_token_stride;
  int64_t scale_group_stride;
  // Pieces of `Elements` elements: in a row, and in all.
  uint32_t row_pieces;
  uint32_t pieces;
  // piece / row_pieces is (piece * multiplier) >> (32 + shift), for pieces below 2^31.
  uint32_t multiplier;
  uint32_t shift;
};

// The largest magnitude among the lanes of a group; NaN if any is. The warp is whole.
template <int Lanes>
OPPARITY_DEVICE float group_maximum(float amax) {
#if __CUDA_ARCH__ >= 800
  // One instruction for a whole warp. As integers, magnitudes of NaN are above infinity's.
  if constexpr (Lanes == 32) {
    return float_of(__reduce_max_sync(0xffffffffu, bits_of(amax)));
  }
#endif
#pragma unroll
  for (int step = Lanes / 2; step > 0; step /= 2) {
    amax = maximum_or_nan(amax, __shfl_xor_sync(0xffffffffu, amax, step));
  }
  return amax;
}

// What cuda_launch.h chooses between.
enum class Shape { kLarge, kMedium, kSmall, kUnaligned };

template <typename Input, typename Format, bool Rounds, int GroupSize, int Elements, Shape kShape>
OPPARITY_DEVICE void quantise(const Arguments& arguments) {
  constexpr int kLanes = GroupSize / Elements;
  constexpr int kWords = Elements * static_cast<int>(sizeof(typename Input::Storage)) / 4;
  // Counted through all rows, no width leaves lanes without work. With the token as the grid's
  // second dimension the first load starts sooner.
  constexpr bool kCountsThroughRows = kShape == Shape::kLarge || kShape == Shape::kMedium;
  constexpr int kLoadBytes = kShape == Shape::kUnaligned
                                 ? static_cast<int>(sizeof(typename Input::Storage))
                                 : (kWords >= 4 ? 16 : 4 * kWords);
  const uint32_t index = blockIdx.x * blockDim.x + threadIdx.x;
  // Warps leave whole, and other lanes beyond the end compute the last piece and store nothing:
  // where some lanes may have left, the shuffles take eight instructions more. They are whole
  // groups, as pieces, in a row and in all, are a multiple of a group's.
  constexpr bool kGroupIsWarp = kLanes == 32;
  if constexpr (kGroupIsWarp || !kCountsThroughRows) {
    if ((kGroupIsWarp ? index : index & ~31u) >= arguments.pieces) return;
  }
  const bool is_inside = kGroupIsWarp || index < arguments.pieces;
  const uint32_t piece = is_inside ? index : arguments.pieces - 1;
  uint32_t token = blockIdx.y, column = piece;
  if constexpr (kCountsThroughRows) {
    token = __umulhi(piece, arguments.multiplier) >> arguments.shift;
    column = piece - token * arguments.row_pieces;
  }
  const char* gates = arguments.input + token * arguments.input_row_bytes +
                      static_cast<int64_t>(column) * (kWords * 4);
  const char* ups = gates + static_cast<int64_t>(arguments.row_pieces) * (kWords * 4);
  if constexpr (kCountsThroughRows) let_next_kernel_start();
  wait_for_previous_kernel();
  // Sooner, several small kernels would hold the chip while they wait: 64 x 7168 took 2.37 us so.
  if constexpr (!kCountsThroughRows) let_next_kernel_start();
  uint32_t gate_words[kWords], up_words[kWords];
  load<kWords, kLoadBytes>(gate_words, gates);
  load<kWords, kLoadBytes>(up_words, ups);

  float products[Elements];
  float amax = 0.0f;
#pragma unroll
  for (int i = 0; i < Elements; i += 2) {
    float gate[2], up[2], activated[2];
    if constexpr (sizeof(typename Input::Storage) == 4) {
      gate[0] = float_of(gate_words[i]), gate[1] = float_of(gate_words[i + 1]);
      up[0] = float_of(up_words[i]), up[1] = float_of(up_words[i + 1]);
    } else {
      gate[0] = Input::low(gate_words[i / 2]), gate[1] = Input::high(gate_words[i / 2]);
      up[0] = Input::low(up_words[i / 2]), up[1] = Input::high(up_words[i / 2]);
    }
    // As fma with ptxas 13.0: 1024 x 7168 takes 13.94 us instead of 14.28 with rounding, 13.68
    // instead of 13.63 without (H100), and on an H200 11.96 and 12.37, 10.69 and 10.60.
    activated[0] = silu<Rounds>(gate[0]), activated[1] = silu<Rounds>(gate[1]);
    if constexpr (Rounds) Input::round(activated[0], activated[1]);
    products[i] = __fmul_rn(activated[0], up[0]);
    products[i + 1] = __fmul_rn(activated[1], up[1]);
    if constexpr (Rounds) Input::round(products[i], products[i + 1]);
    amax = maximum_or_nan(amax, fabsf(products[i]));
    amax = maximum_or_nan(amax, fabsf(products[i + 1]));
  }
  amax = group_maximum<kLanes>(amax);

  float bound = float_of(kInfinityBits);
  if (arguments.scale_bound != nullptr) bound = *arguments.scale_bound;
  float scale = fmaxf(fminf(divide_by_maximum<Format>(amax), bound), Format::kMinimumScale);
  float reciprocal = normal_reciprocal(scale);
  // An infinity or NaN in the group, or a bound that is none.
  const bool special = bits_of(amax) >= kInfinityBits || !(bound > 0.0f);
  if (special) {
    const bool valid = bits_of(amax) == kInfinityBits && bound > 0.0f;
    scale = valid ? fmaxf(bound, Format::kMinimumScale) : float_of(kQuietNanBits);
    reciprocal = valid ? (scale < amax ? normal_reciprocal(scale) : 0.0f) : scale;
  }
  if constexpr (Format::kReciprocalFactor != 1.0f) {
    reciprocal = __fmul_rn(reciprocal, Format::kReciprocalFactor);
  }
  uint32_t codes[Elements / 4];
#pragma unroll
  for (int i = 0; i < Elements; i += 4) {
    codes[i / 4] = Format::encode4(
        __fmul_rn(products[i], reciprocal), __fmul_rn(products[i + 1], reciprocal),
        __fmul_rn(products[i + 2], reciprocal), __fmul_rn(products[i + 3], reciprocal));
  }
  if (special) {
#pragma unroll
    for (int i = 0; i < Elements / 4; ++i) codes[i] = Format::repair(codes[i], scale);
  }
  if (!is_inside) return;
  char* out =
      arguments.out + token * arguments.out_row_bytes + static_cast<int64_t>(column) * Elements;
  store<Elements / 4, kShape == Shape::kUnaligned ? 1 : Elements>(out, codes);
  if (column % kLanes == 0) {
    arguments.scales[token * arguments.scale_token_stride +
                     static_cast<int64_t>(column / kLanes) * arguments.scale_group_stride] = scale;
  }
}

}  // namespace

// A kernel's name is what cuda_launch.h composes: input and value type, intermediate precision,
// group size, shape. BLOCKS of 256 threads fit a multiprocessor of 65,536 registers: 40 registers
// for Large and 32 for Medium and Small, the fastest of 32, 40, 48 and 64 at their sizes on an
// H100. Turing has room for 1,024 threads.
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ < 800
#define OPPARITY_BLOCKS(BLOCKS) 4
#else
#define OPPARITY_BLOCKS(BLOCKS) BLOCKS
#endif
#define OPPARITY_KERNEL(INPUT, FORMAT, ROUNDS, MODE, GROUP, ELEMENTS, SHAPE, BLOCKS)       \
  extern "C" __global__ void __launch_bounds__(256, OPPARITY_BLOCKS(BLOCKS))               \
      INPUT##_##FORMAT##_##MODE##_##GROUP##_##SHAPE(const __grid_constant__ Arguments a) { \
    quantise<INPUT, FORMAT, ROUNDS, GROUP, ELEMENTS, Shape::k##SHAPE>(a);                  \
  }
// Where there are few elements, a thread takes as few as a group's 32 lanes allow.
#define OPPARITY_GROUP(INPUT, FORMAT, ROUNDS, MODE, GROUP, FEW)      \
  OPPARITY_KERNEL(INPUT, FORMAT, ROUNDS, MODE, GROUP, 16, Large, 6)  \
  OPPARITY_KERNEL(INPUT, FORMAT, ROUNDS, MODE, GROUP, 8, Medium, 8)  \
  OPPARITY_KERNEL(INPUT, FORMAT, ROUNDS, MODE, GROUP, FEW, Small, 8) \
  OPPARITY_KERNEL(INPUT, FORMAT, ROUNDS, MODE, GROUP, FEW, Unaligned, 5)
#define OPPARITY_GROUPS(INPUT, FORMAT, ROUNDS, MODE)  \
  OPPARITY_GROUP(INPUT, FORMAT, ROUNDS, MODE, 16, 4)  \
  OPPARITY_GROUP(INPUT, FORMAT, ROUNDS, MODE, 32, 4)  \
  OPPARITY_GROUP(INPUT, FORMAT, ROUNDS, MODE, 64, 4)  \
  OPPARITY_GROUP(INPUT, FORMAT, ROUNDS, MODE, 128, 4) \
  OPPARITY_GROUP(INPUT, FORMAT, ROUNDS, MODE, 256, 8)
#define OPPARITY_FORMATS(INPUT, ROUNDS, MODE)          \
  OPPARITY_GROUPS(INPUT, Float8E4M3FN, ROUNDS, MODE)   \
  OPPARITY_GROUPS(INPUT, Float8E4M3FNUZ, ROUNDS, MODE) \
  OPPARITY_GROUPS(INPUT, Int8, ROUNDS, MODE)

#ifndef OPPARITY_NO_KERNELS
OPPARITY_FORMATS(Float16, false, exact)
OPPARITY_FORMATS(Float16, true, rounded)
OPPARITY_FORMATS(BFloat16, false, exact)
OPPARITY_FORMATS(BFloat16, true, rounded)
OPPARITY_FORMATS(Float32, false, exact)
#endif
