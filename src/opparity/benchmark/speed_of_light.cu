// The reads and writes of an operator and no arithmetic: its speed of light. A thread moves 16
// elements. Macros say what is moved: INPUT_WORDS and VALUE_WORDS, the 32-bit words of 16 elements;
// IS_GATED, twice the input, in halves; READS_OTHER, another tensor like the input, a gate or a
// residual; WRITES_SUM, whether it is written, too; SCALE_BYTES, 0, 1 or 4 for each group.
#include <cstdint>

template <int kWords>
__device__ void load(const uint32_t* from, uint32_t (&words)[kWords]) {
#pragma unroll
  for (int i = 0; i < kWords; i += 4) {
    const uint4 part = reinterpret_cast<const uint4*>(from)[i / 4];
    words[i] = part.x, words[i + 1] = part.y, words[i + 2] = part.z, words[i + 3] = part.w;
  }
}

template <int kWords>
__device__ void store(uint32_t* to, const uint32_t (&words)[kWords]) {
  if constexpr (kWords == 2) {
    *reinterpret_cast<uint2*>(to) = make_uint2(words[0], words[1]);
  } else {
#pragma unroll
    for (int i = 0; i < kWords; i += 4) {
      reinterpret_cast<uint4*>(to)[i / 4] =
          make_uint4(words[i], words[i + 1], words[i + 2], words[i + 3]);
    }
  }
}

extern "C" __global__ void __launch_bounds__(256)
    speed_of_light(const uint32_t* input, uint32_t* other, uint32_t* values, char* scales,
                   uint32_t pieces, uint32_t row_pieces, uint32_t group_pieces, int64_t token_bytes,
                   int64_t group_bytes) {
  const uint32_t piece = blockIdx.x * 256 + threadIdx.x;
  if (piece >= pieces) return;
  const uint32_t token = piece / row_pieces;
  const uint32_t column = piece - token * row_pieces;
  constexpr int64_t kHalves = IS_GATED ? 2 : 1;
  const uint32_t* gate = input + (kHalves * token * row_pieces + column) * INPUT_WORDS;
#if __CUDA_ARCH__ >= 900
  // Where the launch overlaps the kernel before it; nothing otherwise.
  asm volatile("griddepcontrol.launch_dependents;" ::: "memory");
  asm volatile("griddepcontrol.wait;" ::: "memory");
#endif
  uint32_t words[INPUT_WORDS], moved[VALUE_WORDS] = {};
  load(gate, words);
  if constexpr (IS_GATED) {
    uint32_t more[INPUT_WORDS];
    load(gate + static_cast<int64_t>(row_pieces) * INPUT_WORDS, more);
#pragma unroll
    for (int i = 0; i < INPUT_WORDS; ++i) words[i] ^= more[i];
  }
  if constexpr (READS_OTHER) {
    uint32_t* place = other + static_cast<int64_t>(piece) * INPUT_WORDS;
    uint32_t more[INPUT_WORDS];
    load(place, more);
#pragma unroll
    for (int i = 0; i < INPUT_WORDS; ++i) words[i] ^= more[i];
    if constexpr (WRITES_SUM) store(place, words);
  }
#pragma unroll
  for (int i = 0; i < INPUT_WORDS; ++i) moved[i % VALUE_WORDS] ^= words[i];
  store(values + static_cast<int64_t>(piece) * VALUE_WORDS, moved);
  // A group of fewer than 16 elements does not exist; of 16 each thread has one.
  if (SCALE_BYTES > 0 && column % group_pieces == 0) {
    char* scale = scales + token * token_bytes + column / group_pieces * group_bytes;
    if constexpr (SCALE_BYTES == 4) *reinterpret_cast<uint32_t*>(scale) = moved[0];
    if constexpr (SCALE_BYTES == 1) *scale = static_cast<char>(moved[0]);
  }
}
