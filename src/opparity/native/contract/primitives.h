// What a platform header provides, before anything of the contract is included. All of it has
// internal linkage, since one library holds the same functions for several processors.
//
//   OPPARITY_FUNCTION                 in front of every function
//   OPPARITY_MEMBER                   in front of every static member function
//   Number, Bits                      float32 numbers and 32-bit patterns: one of each on a GPU, a
//                                     vector of lanes on a CPU; operators and `mask ? a : b` are
//                                     lane-wise
//   all(float), all_bits(uint32_t)    the same in every lane
//   bits_of(Number), number_of(Bits)
//   any(mask)                         whether a comparison holds in some lane
//   larger(Bits, Bits)                of patterns below 2^31
//   fused_multiply_add(a, b, c)       rounded once; a is a Number, b and c may be float
//   reciprocal(x)                     correctly rounded where x and 1/x are normal numbers
//   divide(a, b)                      IEEE division, everywhere
//   square_root(x)                    correctly rounded, everywhere
//   divide_by_maximum(x, float m)     the same for a finite x, m a format's largest number, and a
//                                     normal quotient; of others it need not be right
//   magnitude(x)
//   at_most(x, limit)                 NaN in x stays, and the limit may be a float
//   at_least(x, limit)                at_least(gate, -0.0f) is the gate, +0 too, if it is not below
//                                     zero, else -0
//   negative_magnitude_up_to(x, limit)             -min(|x|, limit); of NaN NaN or -limit
//   signed_power_of_two(x, uint32_t least)         the power of two of x's exponent, or the one
//                                                  with the bits `least` if that is larger, with
//                                                  x's sign; x is finite
//   scaled_power(power, shifted, exponent)         step 7 of SiLU
//
// platforms/scalar.h has those that are the same wherever a Number is a float.
// A platform may define two macros: OPPARITY_POLYNOMIAL_SCALING, by which its scaled_power finds
// the polynomial of 2^x multiplied (1, or 2^64 where the integer in `exponent` lacks the 64 of the
// contract's shift), and OPPARITY_SUM_IS_FMA where the compiler does better by an fma.
#pragma once

#include "native/call.h"

namespace {

constexpr uint32_t kSignBit = 0x80000000u;
constexpr uint32_t kMagnitudeBits = 0x7fffffffu;
constexpr uint32_t kInfinityBits = 0x7f800000u;
constexpr uint32_t kQuietNanBits = 0x7fc00000u;
constexpr uint32_t kMantissaBits = 0x007fffffu;
// 1.5 * 2^23: the sum's low bits are the integer.
constexpr float kIntegerShift = 12582912.0f;

using opparity::Parameters;

}  // namespace
