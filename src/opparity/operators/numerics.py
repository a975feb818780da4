"""The constants of the numerics contract (docs/numerics.md); every one is a float32 number.

native/numerics.h holds the same ones for C++, and a test compares the two files.
"""

from __future__ import annotations

# log2(e) = LOG2_E_HIGH + LOG2_E_LOW to within 2^-51.
LOG2_E_HIGH = float.fromhex("0x1.715476p+0")
LOG2_E_LOW = float.fromhex("0x1.4ae0cp-26")

# Powers of two, and so divisor and numerator, are 2^64 too large: then no exponent field leaves its
# range, and results below 2^-126 are rounded once.
SCALING_EXPONENT = 64
SCALING = 2.0**SCALING_EXPONENT

# 1.5 * 2^23 + 64: adding it to a number below 2^22 in magnitude rounds that to an integer, which
# then stands in the low bits of the sum, plus the scaling's 64. As 64 is even, so are the ties.
ROUNDING_SHIFT = 12582912.0 + SCALING_EXPONENT

# 2^x on [-1/2, 1/2], lowest degree first: relative minimax over float32 coefficients with
# the constant term 1; relative error at most 9.4e-8 before rounding errors.
EXP2_COEFFICIENTS = tuple(
    float.fromhex(text)
    for text in (
        "0x1p+0",
        "0x1.62e42ap-1",
        "0x1.ebf9c2p-3",
        "0x1.c6b6f0p-5",
        "0x1.3ce8ccp-7",
        "0x1.5bcbc6p-10",
    )
)

# exp(-128) * 128 is far below the least float32 subnormal, so SiLU is -0 from there on.
GATE_LIMIT = -128.0
