// The CPU kernel: plain loops over arrays of a group's size at most, compiled for each capability.
#include "operators/silu_and_mul_per_block_quant/cpu_kernel.h"

#include "native/numerics.h"

namespace {

using opparity::silu_and_mul_per_block_quant::Arguments;
using opparity::silu_and_mul_per_block_quant::InputType;
using opparity::silu_and_mul_per_block_quant::ValueType;

constexpr int64_t kLargestGroup = 256;

// Every group is a multiple of the smallest, and a compiler that sees so leaves no loop for a rest.
OPPARITY_INLINE int64_t whole_vectors(int64_t group_size) { return group_size & ~int64_t{15}; }

struct Float16 {
  using Storage = uint16_t;
  OPPARITY_INLINE float widen(Storage bits) { return widen_float16(bits); }
  OPPARITY_INLINE float round(float value) { return round_to_float16(value); }
};
struct BFloat16 {
  using Storage = uint16_t;
  OPPARITY_INLINE float widen(Storage bits) { return widen_bfloat16(bits); }
  OPPARITY_INLINE float round(float value) { return round_to_bfloat16(value); }
};
struct Float32 {
  using Storage = float;
  OPPARITY_INLINE float widen(Storage value) { return value; }
  OPPARITY_INLINE float round(float value) { return value; }
};

// Writes SiLU(gate) * up of one group and returns the bits of its largest magnitude. As integers
// the magnitudes of NaN are above infinity's, so a NaN is never lost to a comparison.
template <typename Input, bool Rounds>
uint32_t multiply_group(const void* row, int64_t offset, int64_t hidden_size, int64_t group_size,
                        float* __restrict__ products) {
  const auto* gates = static_cast<const typename Input::Storage*>(row) + offset;
  const auto* ups = gates + hidden_size;
  const int64_t count = whole_vectors(group_size);
  int32_t amax = 0;
  for (int64_t i = 0; i < count; ++i) {
    float activated = silu(Input::widen(gates[i]));
    if constexpr (Rounds) activated = Input::round(activated);
    float product = activated * Input::widen(ups[i]);
    if constexpr (Rounds) product = Input::round(product);
    products[i] = product;
    auto magnitude = static_cast<int32_t>(bits_of(product) & kMagnitudeBits);
    amax = magnitude > amax ? magnitude : amax;
  }
  return static_cast<uint32_t>(amax);
}

// Writes codes in two loops: in one, the compiler would run all of it at the width of the bytes.
template <typename Format, bool MayBeNan>
void encode_group(const float* __restrict__ products, float reciprocal, int64_t group_size,
                  uint8_t* __restrict__ out) {
  alignas(64) uint32_t codes[kLargestGroup];
  const int64_t count = whole_vectors(group_size);
  for (int64_t i = 0; i < count; ++i) {
    codes[i] = Format::template encode<MayBeNan>(products[i] * reciprocal);
  }
  for (int64_t i = 0; i < count; ++i) out[i] = static_cast<uint8_t>(codes[i]);
}

// Writes the codes of one group and returns its scale.
template <typename Format>
float quantise_group(const float* __restrict__ products, uint32_t amax_bits,
                     const Arguments& arguments, uint8_t* __restrict__ out) {
  float scale = group_scale<Format>(amax_bits, arguments.has_scale_bound, arguments.scale_bound);
  float reciprocal = 1.0f / scale;
  const bool finite = amax_bits < kInfinityBits;
  const auto encode = finite ? encode_group<Format, false> : encode_group<Format, true>;
  encode(products, reciprocal, arguments.group_size, out);
  return scale;
}

using Multiply = uint32_t (*)(const void*, int64_t, int64_t, int64_t, float*);
using Quantise = float (*)(const float*, uint32_t, const Arguments&, uint8_t*);

Multiply choose_multiply(InputType type, bool rounds) {
  switch (type) {
    case InputType::kFloat16:
      return rounds ? multiply_group<Float16, true> : multiply_group<Float16, false>;
    case InputType::kBFloat16:
      return rounds ? multiply_group<BFloat16, true> : multiply_group<BFloat16, false>;
    case InputType::kFloat32:
      break;
  }
  return multiply_group<Float32, false>;
}

Quantise choose_quantise(ValueType type) {
  switch (type) {
    case ValueType::kFloat8E4M3FN:
      return quantise_group<Float8E4M3FN>;
    case ValueType::kFloat8E4M3FNUZ:
      return quantise_group<Float8E4M3FNUZ>;
    case ValueType::kInt8:
      break;
  }
  return quantise_group<Int8>;
}

}  // namespace

namespace opparity::silu_and_mul_per_block_quant {

void OPPARITY_CAPABILITY(const Arguments& arguments, int64_t begin, int64_t end) {
  const Multiply multiply = choose_multiply(arguments.input_type, arguments.rounds_to_input_type);
  const Quantise quantise = choose_quantise(arguments.value_type);
  const int64_t element_size = arguments.input_type == InputType::kFloat32 ? 4 : 2;
  const int64_t num_groups = arguments.hidden_size / arguments.group_size;
  alignas(64) float products[kLargestGroup];
  int64_t token = begin / num_groups;
  int64_t group = begin % num_groups;
  for (int64_t index = begin; index < end; ++index) {
    const char* row = static_cast<const char*>(arguments.input) +
                      token * arguments.input_row_stride * element_size;
    const int64_t offset = group * arguments.group_size;
    const uint32_t amax_bits =
        multiply(row, offset, arguments.hidden_size, arguments.group_size, products);
    arguments.scales[token * arguments.scale_token_stride + group * arguments.scale_group_stride] =
        quantise(products, amax_bits, arguments,
                 arguments.out + token * arguments.out_row_stride + offset);
    if (++group == num_groups) {
      group = 0;
      ++token;
    }
  }
}

}  // namespace opparity::silu_and_mul_per_block_quant
