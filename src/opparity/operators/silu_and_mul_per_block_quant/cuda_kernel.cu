// The NVIDIA kernel of silu_and_mul_per_block_quant: a thread takes `Elements` neighbours of gate
// and of up, `GroupSize / Elements` lanes make a group, and groups follow each other without regard
// to where a row or a warp ends, so that no width wastes lanes.
#include <cuda_fp16.h>

#include "native/numerics.cuh"

namespace {

struct Float16 {
  using Storage = uint16_t;
  OPPARITY_DEVICE static float low(uint32_t word) {
    return __half2float(__ushort_as_half(static_cast<uint16_t>(word)));
  }
  OPPARITY_DEVICE static float high(uint32_t word) {
    return __half2float(__ushort_as_half(static_cast<uint16_t>(word >> 16)));
  }
  OPPARITY_DEVICE static float round(float value) { return round_to_float16(value); }
};

struct BFloat16 {
  using Storage = uint16_t;
  OPPARITY_DEVICE static float low(uint32_t word) { return float_of(word << 16); }
  OPPARITY_DEVICE static float high(uint32_t word) { return float_of(word & 0xffff0000u); }
  OPPARITY_DEVICE static float round(float value) { return round_to_bfloat16(value); }
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
      uint4 part = __ldcs(static_cast<const uint4*>(address) + i / 4);
      words[i] = part.x, words[i + 1] = part.y, words[i + 2] = part.z, words[i + 3] = part.w;
    }
  } else if constexpr (Bytes == 8) {
#pragma unroll
    for (int i = 0; i < Words; i += 2) {
      uint2 part = __ldcs(static_cast<const uint2*>(address) + i / 2);
      words[i] = part.x, words[i + 1] = part.y;
    }
  } else if constexpr (Bytes == 4) {
#pragma unroll
    for (int i = 0; i < Words; ++i) words[i] = __ldcs(static_cast<const uint32_t*>(address) + i);
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
      __stcs(static_cast<uint4*>(address) + i / 4,
             make_uint4(words[i], words[i + 1], words[i + 2], words[i + 3]));
    }
  } else if constexpr (Bytes >= 8 && Words >= 2) {
#pragma unroll
    for (int i = 0; i < Words; i += 2) {
      __stcs(static_cast<uint2*>(address) + i / 2, make_uint2(words[i], words[i + 1]));
    }
  } else if constexpr (Bytes >= 4) {
#pragma unroll
    for (int i = 0; i < Words; ++i) __stcs(static_cast<uint32_t*>(address) + i, words[i]);
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

template <typename Input, typename Format, bool Rounds, int GroupSize, int Elements, bool Aligned>
OPPARITY_DEVICE void quantise(const Arguments& arguments) {
  constexpr int kLanes = GroupSize / Elements;
  constexpr int kWords = Elements * static_cast<int>(sizeof(typename Input::Storage)) / 4;
  constexpr int kLoad = Aligned ? 16 : static_cast<int>(sizeof(typename Input::Storage));
  const uint32_t piece = blockIdx.x * blockDim.x + threadIdx.x;
  if (piece >= arguments.pieces) return;
  // Lanes beyond the last piece are a multiple of a group's, so a group leaves or stays as a whole.
  const uint32_t token = __umulhi(piece, arguments.multiplier) >> arguments.shift;
  const uint32_t column = piece - token * arguments.row_pieces;
  const char* gates = arguments.input + token * arguments.input_row_bytes +
                      static_cast<int64_t>(column) * (kWords * 4);
  const char* ups = gates + static_cast<int64_t>(arguments.row_pieces) * (kWords * 4);
  uint32_t gate_words[kWords], up_words[kWords];
  load<kWords, kLoad>(gate_words, gates);
  load<kWords, kLoad>(up_words, ups);

  float products[Elements];
  float amax = 0.0f;
#pragma unroll
  for (int i = 0; i < Elements; ++i) {
    float gate, up;
    if constexpr (sizeof(typename Input::Storage) == 4) {
      gate = float_of(gate_words[i]), up = float_of(up_words[i]);
    } else if (i % 2 == 0) {
      gate = Input::low(gate_words[i / 2]), up = Input::low(up_words[i / 2]);
    } else {
      gate = Input::high(gate_words[i / 2]), up = Input::high(up_words[i / 2]);
    }
    float activated = silu(gate);
    if constexpr (Rounds) activated = Input::round(activated);
    products[i] = __fmul_rn(activated, up);
    if constexpr (Rounds) products[i] = Input::round(products[i]);
    amax = maximum_or_nan(amax, fabsf(products[i]));
  }
  const uint32_t lanes = __activemask();
#pragma unroll
  for (int step = kLanes / 2; step > 0; step /= 2) {
    amax = maximum_or_nan(amax, __shfl_xor_sync(lanes, amax, step));
  }

  const float bound = arguments.scale_bound != nullptr ? *arguments.scale_bound : float_of(kInfinityBits);
  float scale;
  uint32_t codes[Elements / 4];
  if (bits_of(amax) < kInfinityBits && bound > 0.0f) {
    scale = divide_by_maximum<Format>(amax);
    scale = fmaxf(fminf(scale, bound), Format::kMinimumScale);
    const float reciprocal = normal_reciprocal(scale) * Format::kReciprocalFactor;
#pragma unroll
    for (int i = 0; i < Elements; i += 4) {
      codes[i / 4] = Format::encode4(
          __fmul_rn(products[i], reciprocal), __fmul_rn(products[i + 1], reciprocal),
          __fmul_rn(products[i + 2], reciprocal), __fmul_rn(products[i + 3], reciprocal));
    }
  } else {
    // An infinity or NaN in the group, or a bound that is none: rare, so it may be slow.
    const bool invalid = bits_of(amax) > kInfinityBits || !(bound > 0.0f);
    scale = invalid ? float_of(kQuietNanBits)
                    : fmaxf(fminf(amax, bound), Format::kMinimumScale);
    const float reciprocal = __fdiv_rn(1.0f, scale) * Format::kReciprocalFactor;
#pragma unroll
    for (int i = 0; i < Elements; i += 4) {
      codes[i / 4] = 0;
#pragma unroll
      for (int j = 0; j < 4; ++j) {
        codes[i / 4] |= Format::encode(__fmul_rn(products[i + j], reciprocal)) << (8 * j);
      }
    }
  }
  char* out = arguments.out + token * arguments.out_row_bytes +
              static_cast<int64_t>(column) * Elements;
  store<Elements / 4, Aligned ? Elements : 1>(out, codes);
  if (column % kLanes == 0) {
    arguments.scales[token * arguments.scale_token_stride +
                     static_cast<int64_t>(column / kLanes) * arguments.scale_group_stride] = scale;
  }
}

}  // namespace

// Names are what native/gpu_launcher.cpp composes: input, format, group size, elements of a thread.
#define OPPARITY_KERNEL(INPUT, FORMAT, ROUNDS, SUFFIX, GROUP, ELEMENTS, ALIGNED)                  \
  extern "C" __global__ void __launch_bounds__(256) INPUT##_##FORMAT##_##GROUP##_##ELEMENTS##SUFFIX( \
      const __grid_constant__ Arguments arguments) {                                               \
    quantise<INPUT, FORMAT, ROUNDS, GROUP, ELEMENTS, ALIGNED>(arguments);                          \
  }
#ifdef OPPARITY_SCRATCH
OPPARITY_KERNEL(BFloat16, Float8E4M3FN, false, , 128, 16, true)
OPPARITY_KERNEL(BFloat16, Float8E4M3FN, false, , 128, 8, true)
OPPARITY_KERNEL(BFloat16, Float8E4M3FN, false, , 128, 4, true)
OPPARITY_KERNEL(BFloat16, Float8E4M3FN, false, , 64, 16, true)
OPPARITY_KERNEL(BFloat16, Float8E4M3FN, false, , 64, 8, true)
OPPARITY_KERNEL(BFloat16, Float8E4M3FNUZ, false, , 128, 16, true)
OPPARITY_KERNEL(BFloat16, Int8, false, , 128, 16, true)
OPPARITY_KERNEL(BFloat16, Float8E4M3FN, true, _rounds, 128, 16, true)
OPPARITY_KERNEL(Float16, Float8E4M3FN, false, , 128, 16, true)
OPPARITY_KERNEL(BFloat16, Float8E4M3FN, false, , 32, 16, true)
#endif
