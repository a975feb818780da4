// The scale of a group: docs/numerics.md, section 4.
#pragma once

#include "native/contract/primitives.h"
#include "native/formats/float8_e4m3fn.h"

namespace {

struct GroupScale {
  // What to multiply codes with; by the rule GLOBAL that divided by the global scale.
  Number scale;
  // What products are multiplied by before they are encoded.
  Number factor;
  // Of scales that are stored in a byte.
  Bits code;
};

struct ScaleSettings {
  // Of scales by AMAX; infinity where there is none.
  float bound;
  // The lower clamp of scales by AMAX, a normal number; of the amax by the others.
  float least;
  // The tensor's scale (GIVEN) or the global one (GLOBAL).
  float given;
};

template <typename Format>
OPPARITY_FUNCTION GroupScale scale_by_amax(Bits amax, const ScaleSettings& settings) {
  Number scale = divide_by_maximum(number_of(amax), Format::kMaximum);
  scale = at_least(at_most(scale, settings.bound), settings.least);
  Number factor = reciprocal(scale);
  // An infinity or NaN in the group, or a bound that is none.
  const auto is_infinite = amax == all_bits(kInfinityBits);
  const auto is_nan = (amax > all_bits(kInfinityBits)) | !(all(settings.bound) > all(0.0f));
  if (any(is_infinite | is_nan)) {
    const Number most = at_least(all(settings.bound), settings.least);
    const Number inverse = divide(all(1.0f), most);
    const Number nan = number_of(all_bits(kQuietNanBits));
    scale = is_infinite ? most : scale;
    factor = is_infinite ? inverse : factor;
    scale = is_nan ? nan : scale;
    factor = is_nan ? nan : factor;
  }
  return {scale, factor, all_bits(0)};
}

// 2^-127, a subnormal number.
constexpr uint32_t kLeastPowerBits = 0x00400000u;

// The power of two with an exponent's code, from 0 to 254.
OPPARITY_FUNCTION Number power_of_code(Bits code) {
  return number_of(code == all_bits(0) ? all_bits(kLeastPowerBits) : code << 23);
}

// The code of an exponent by the rules CEIL, EVEN and FLOOR; 255 is NaN's.
template <typename Format>
OPPARITY_FUNCTION Bits exponent_code(opparity::ScaleRule rule, Bits amax) {
  Bits code;
  if (rule == opparity::ScaleRule::kCeil) {
    // Where the product is not the rounded quotient, both lie between the same powers of two.
    Bits quotient = bits_of(number_of(amax) * (1.0f / Format::kMaximum));
    code = quotient > all_bits(kLeastPowerBits) ? (quotient + kMantissaBits) >> 23 : all_bits(0);
  } else {
    constexpr uint32_t kLargest = static_cast<uint32_t>(Format::kLargestExponent);
    const uint32_t half = rule == opparity::ScaleRule::kEven ? 1u << (22 - Format::kMantissa) : 0u;
    code = larger((amax + half) >> 23, all_bits(kLargest)) - kLargest;
  }
  code = amax < all_bits(kInfinityBits) ? code : all_bits(254);
  return amax > all_bits(kInfinityBits) ? all_bits(255) : code;
}

template <typename Format>
OPPARITY_FUNCTION GroupScale scale_by_exponent(opparity::ScaleRule rule, Bits amax) {
  const Bits code = exponent_code<Format>(rule, amax);
  const Number nan = number_of(all_bits(kQuietNanBits));
  const auto is_nan = code == all_bits(255);
  return {is_nan ? nan : power_of_code(code), is_nan ? nan : power_of_code(all_bits(254) - code),
          code};
}

// A given scale, or NaN where it is zero.
OPPARITY_FUNCTION Number but_zero(float given) {
  return all(given) == all(0.0f) ? number_of(all_bits(kQuietNanBits)) : all(given);
}

// A global scale, or NaN where it is not above zero.
OPPARITY_FUNCTION Number above_zero(float given) {
  return all(given) > all(0.0f) ? all(given) : number_of(all_bits(kQuietNanBits));
}

// An E4M3 scale under the global one, as NVFP4 has it.
template <typename Format>
OPPARITY_FUNCTION GroupScale scale_under_global(Bits amax, Number global) {
  const Number multiplier = global * (1.0f / Format::kMaximum);
  const Bits code = Float8E4M3FN::encode(number_of(amax) * multiplier) & 0xffu;
  const Number nan = number_of(all_bits(kQuietNanBits));
  const Number scale = code == all_bits(0x7fu) ? nan : Float8E4M3FN::decode(code);
  const Number factor = code == all_bits(0) ? all(0.0f) : divide(global, scale);
  return {scale, factor, code};
}

// The scale of a group whose largest magnitude has these bits.
template <typename Format>
OPPARITY_FUNCTION GroupScale scale_of(opparity::ScaleRule rule, Bits amax,
                                      const ScaleSettings& settings) {
  switch (rule) {
    case opparity::ScaleRule::kGiven:
      return {all(settings.given), divide(all(1.0f), but_zero(settings.given)), all_bits(0)};
    case opparity::ScaleRule::kAmax:
      return scale_by_amax<Format>(amax, settings);
    default:
      break;
  }
  // NaN's bits are above those of any number.
  amax = larger(amax, bits_of(all(settings.least)));
  if (rule == opparity::ScaleRule::kGlobal) {
    return scale_under_global<Format>(amax, above_zero(settings.given));
  }
  return scale_by_exponent<Format>(rule, amax);
}

}  // namespace
