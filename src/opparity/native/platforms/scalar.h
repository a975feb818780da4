// The primitives that are the same wherever a Number is a float, for platform headers to include
// behind their own.
#pragma once

namespace {

OPPARITY_FUNCTION Number all(float value) { return value; }
OPPARITY_FUNCTION Bits all_bits(uint32_t value) { return value; }
OPPARITY_FUNCTION bool any(bool condition) { return condition; }
OPPARITY_FUNCTION Bits larger(Bits a, Bits b) { return a > b ? a : b; }
template <typename Value>
OPPARITY_FUNCTION Value choose(bool condition, Value yes, Value no) {
  return condition ? yes : no;
}

OPPARITY_FUNCTION Number negative_magnitude_up_to(Number x, float limit) {
  return at_least(-magnitude(x), -limit);
}

OPPARITY_FUNCTION Number signed_power_of_two(Number x, uint32_t least) {
  const Bits power = larger(bits_of(x) & 0x7f800000u, least);
  return number_of(power | (bits_of(x) & 0x80000000u));
}

// A number above zero or NaN with the sign of a pattern.
OPPARITY_FUNCTION Number with_sign(Number size, uint32_t pattern) {
  return number_of(bits_of(size) | (pattern & 0x80000000u));
}

OPPARITY_FUNCTION Number scaled_power(Number power, Number shifted, Number) {
  return number_of(bits_of(power) + (bits_of(shifted) << 23));
}

// The product with the rounded reciprocal, corrected once, is the rounded quotient by 448, 224,
// 57344 and 127 for all 2^23 mantissas (tests/operators/test_numerics_contract.py).
OPPARITY_FUNCTION Number divide_by_maximum(Number x, float maximum) {
  const Number inverse = 1.0f / maximum;
  const Number quotient = x * inverse;
  return fused_multiply_add(fused_multiply_add(-maximum, quotient, x), inverse, quotient);
}

}  // namespace
