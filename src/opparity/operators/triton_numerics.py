"""The numerics contract (docs/numerics.md) in Triton, for NVIDIA, AMD and the interpreter.

Compile kernels that use it with enable_fp_fusion=False: fusing is said here, never guessed.
"""

from __future__ import annotations

import triton
import triton.language as tl
from triton.language.extra import libdevice

from opparity.operators import numerics

_LOG2_E_HIGH = tl.constexpr(numerics.LOG2_E_HIGH)
_LOG2_E_LOW = tl.constexpr(numerics.LOG2_E_LOW)
_ROUNDING_SHIFT = tl.constexpr(numerics.ROUNDING_SHIFT)
_C0, _C1, _C2, _C3, _C4, _C5 = (tl.constexpr(c) for c in numerics.EXP2_COEFFICIENTS)
_GATE_LIMIT = tl.constexpr(numerics.GATE_LIMIT)
_SCALING = tl.constexpr(numerics.SCALING)
# 1.5 * 2^23: the sum's low bits are the integer.
_INTEGER_SHIFT = tl.constexpr(12582912.0)
_SIGN_BIT = tl.constexpr(-0x80000000)
_MAGNITUDE_BITS = tl.constexpr(0x7FFFFFFF)
_INFINITY_BITS = tl.constexpr(0x7F800000)


@triton.jit
def bits_of(value):
    return value.to(tl.int32, bitcast=True)


@triton.jit
def float_of(bits):
    return bits.to(tl.float32, bitcast=True)


@triton.jit
def fused_multiply_add(a, b, c, EMULATED_FMA: tl.constexpr):
    """A * b + c, rounded once.

    Triton's interpreter rounds the product of tl.fma as well. There the sum is rounded to odd in
    float64, which leaves room for the one rounding to float32 (see reference_numerics.py).
    """
    if EMULATED_FMA:
        product = a.to(tl.float64) * b.to(tl.float64)
        addend = c.to(tl.float64)
        total = product + addend
        part = total - product
        error = (product - (total - part)) + (addend - part)
        bits = total.to(tl.int64, bitcast=True)
        finite = tl.abs(total) < float("inf")
        inexact = finite & (error != 0.0) & ((bits & 1) == 0)
        odd = tl.where((error > 0.0) == (total > 0.0), bits + 1, bits - 1)
        result = tl.where(inexact, odd, bits).to(tl.float64, bitcast=True).to(tl.float32)
    else:
        result = tl.fma(a, b, c)
    return result


@triton.jit
def constant(value: tl.constexpr, like):
    return tl.full(like.shape, value, tl.float32)


@triton.jit
def normal_reciprocal(divisor, TARGET: tl.constexpr):
    """1 / divisor, rounded once, for divisors in [2^64, 2^65].

    On NVIDIA the approximate reciprocal and one Newton step give the rounded one for each of the
    8,388,609 divisors; tests/operators/test_on_gpu.py tries them all.

    AMD documents its approximate reciprocal to one unit in the last place. From every start that
    near, made odd, two Newton steps give the rounded one for each divisor, in 6 instructions where
    a division takes 11; tests/native/test_reciprocal.py tries them all. An even start, 2^-65, would
    stay where it is for the greatest divisor below 2^65.
    """
    if TARGET == "cuda":
        result = tl.inline_asm_elementwise(
            """
            {
            .reg .f32 start, negative, error;
            rcp.approx.ftz.f32 start, $1;
            neg.f32 negative, $1;
            fma.rn.f32 error, negative, start, 0f3F800000;
            fma.rn.f32 $0, error, start, start;
            }
            """,
            "=f,f",
            [divisor],
            dtype=tl.float32,
            is_pure=True,
            pack=1,
        )
    elif TARGET == "hip":
        one = constant(1.0, divisor)
        # v_rcp_f32. Not by inline assembly: the compiler has to see it, to keep the distance that
        # its users must have on gfx942 and gfx11.
        result = float_of(bits_of(libdevice.fast_dividef(one, divisor)) | 1)
        negative = float_of(bits_of(divisor) | _SIGN_BIT)
        result = tl.fma(tl.fma(negative, result, one), result, result)
        result = tl.fma(tl.fma(negative, result, one), result, result)
    else:
        result = tl.math.div_rn(constant(1.0, divisor), divisor)
    return result


@triton.jit
def silu(gate, TARGET: tl.constexpr):
    emulated: tl.constexpr = TARGET == "interpreter"
    # Signs by bits: Triton computes -x as 0 - x, which loses the sign of zero and costs an
    # addition.
    z = tl.maximum(float_of(bits_of(gate) | _SIGN_BIT), _GATE_LIMIT)
    high = constant(_LOG2_E_HIGH, gate)
    shifted = fused_multiply_add(z, high, constant(_ROUNDING_SHIFT, gate), emulated)
    negative_exponent = _ROUNDING_SHIFT - shifted
    fraction = fused_multiply_add(z, high, negative_exponent, emulated)
    fraction = fused_multiply_add(z, constant(_LOG2_E_LOW, gate), fraction, emulated)
    power = fused_multiply_add(constant(_C5, gate), fraction, constant(_C4, gate), emulated)
    power = fused_multiply_add(power, fraction, constant(_C3, gate), emulated)
    power = fused_multiply_add(power, fraction, constant(_C2, gate), emulated)
    power = fused_multiply_add(power, fraction, constant(_C1, gate), emulated)
    power = fused_multiply_add(power, fraction, constant(_C0, gate), emulated)
    # The integer stands in the low bits of `shifted`, with the scaling's 64; the shift drops the
    # others.
    scaled = float_of(bits_of(power) + (bits_of(shifted) << 23))
    reciprocal = normal_reciprocal(scaled + _SCALING, TARGET)
    # By bits, since Triton makes 0.0 of a literal -0.0.
    positive_part = float_of(tl.where(gate < 0.0, _SIGN_BIT, bits_of(gate)))
    return fused_multiply_add(z * scaled, reciprocal, positive_part, emulated)


@triton.jit
def round_to_bfloat16(value):
    """The nearest bfloat16, ties to even, as float32; NaN stays NaN.

    By integers, since the interpreter's own conversion does not round.
    """
    bits = bits_of(value)
    rounded = (bits + 0x7FFF + ((bits >> 16) & 1)) & -65536
    return tl.where(value == value, float_of(rounded), float("nan"))


@triton.jit
def group_scale(amax_bits, bound, MAXIMUM: tl.constexpr, MINIMUM: tl.constexpr):
    """The dequantisation multiplier of groups whose largest magnitudes have these bits."""
    amax = float_of(amax_bits)
    scale = tl.math.div_rn(amax, constant(MAXIMUM, amax))
    scale = tl.where(scale > bound, bound, scale)
    scale = tl.where(scale < MINIMUM, MINIMUM, scale)
    # A bound that is not above zero was refused where the host could read it; here it shows as NaN.
    valid = (amax_bits <= _INFINITY_BITS) & (bound > 0.0)
    return float_of(tl.where(valid, bits_of(scale), 0x7FC00000))


@triton.jit
def encode_e4m3(quotient, BIAS: tl.constexpr, MAXIMUM: tl.constexpr, FNUZ: tl.constexpr):
    """E4M3 codes by integer operations, for hardware without a conversion and the interpreter."""
    bits = bits_of(quotient)
    magnitude = bits & _MAGNITUDE_BITS
    limited = tl.minimum(magnitude, bits_of(constant(MAXIMUM, quotient)))
    normal = ((limited + 0x7FFFF + ((limited >> 20) & 1)) >> 20) - ((127 - BIAS) << 3)
    # Below the least normal number the spacing is 2^-(BIAS + 2): that of float32 at 2^(21 - BIAS).
    step: tl.constexpr = (127 + 21 - BIAS) << 23
    step_bits = tl.full(bits.shape, step, tl.int32)
    subnormal = bits_of(float_of(limited) + float_of(step_bits)) - step_bits
    code = tl.where(limited < ((128 - BIAS) << 23), subnormal, normal)
    sign = (bits >> 24) & 0x80
    if FNUZ:
        # 0x80 is NaN: there is no negative zero.
        code = tl.where(code == 0, 0, code | sign)
        code = tl.where(magnitude > _INFINITY_BITS, 0x80, code)
    else:
        code = tl.where(magnitude > _INFINITY_BITS, 0x7F, code | sign)
    return code.to(tl.uint8)


@triton.jit
def encode_packed(quotient, MAXIMUM: tl.constexpr):
    """E4M3 codes by v_cvt_pk_fp8_f32, in the one E4M3 format that the AMD chip has.

    It rounds to nearest even and knows subnormal codes. What it does beyond the largest code hangs
    on a mode, and it keeps the sign of NaN, so neither reaches it.
    """
    limited = tl.clamp(quotient, -MAXIMUM, MAXIMUM)
    limited = tl.where(quotient == quotient, limited, float("nan"))
    # The low 16 bits are the codes of both operands. One code for each 32-bit result: Triton 3.6
    # to 3.8 fail to pack 8-bit results of inline assembly on AMD.
    codes = tl.inline_asm_elementwise(
        "v_cvt_pk_fp8_f32 $0, $1, $1", "=v,v", [limited], dtype=tl.int32, is_pure=True, pack=1
    )
    return codes.to(tl.uint8)


@triton.jit
def encode_int8(quotient):
    """int8 codes, to nearest even and saturating; NaN is 0, under a NaN scale."""
    limited = tl.where(quotient == quotient, quotient, 0.0)
    limited = tl.minimum(tl.maximum(limited, -128.0), 127.0)
    return bits_of(limited + _INTEGER_SHIFT).to(tl.uint8)
