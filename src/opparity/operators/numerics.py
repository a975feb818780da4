"""The constants of the numerics contract (docs/numerics.md); every one is a float32 number.

native/contract/ holds the same ones for C++, and a test compares the files.
"""

from __future__ import annotations


def _numbers(*texts: str) -> tuple[float, ...]:
    return tuple(map(float.fromhex, texts))


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

# Polynomials have their coefficients lowest degree first. They are relative minimax ones over
# float32 coefficients; the errors named are before rounding.

# 2^x on [-1/2, 1/2], with the constant term 1; at most 9.4e-8.
EXP2_COEFFICIENTS = _numbers(
    "0x1p+0", "0x1.62e42ap-1", "0x1.ebf9c2p-3", "0x1.c6b6f0p-5", "0x1.3ce8ccp-7", "0x1.5bcbc6p-10"
)

# exp(-128) * 128 is far below the least float32 subnormal, so SiLU is -0 from there on.
GATE_LIMIT = -128.0

# tanh(v) / v as a quotient in v^2, on [0, 9]; at most 2.4e-8. 1 - tanh(9) is below 2^-24.
TANGENT_EDGE = 9.0
TANGENT_TOP = _numbers(
    "0x1p+0", "0x1.121a94p-3", "0x1.ca9d96p-9", "0x1.5a9b90p-16", "0x1.ccf15cp-27"
)
TANGENT_BOTTOM = _numbers(
    "0x1p+0", "0x1.de6298p-2", "0x1.a82f26p-6", "0x1.591412p-12", "0x1.a2ef34p-21"
)

# GELU by tanh is z * sigmoid(w), and w * log2(e) is z * (GELU_LINEAR + GELU_CUBIC * z^2).
# Beyond the limit the result is -0.
GELU_TANH_LIMIT = -11.0
GELU_LINEAR = float.fromhex("0x1.26aec2p+1")
GELU_CUBIC = float.fromhex("0x1.a5a7d0p-4")
# The slope of w.
SLOPE_LINEAR = float.fromhex("0x1.988454p+0")
SLOPE_CUBIC = float.fromhex("0x1.b6676cp-3")

# The normal distribution's function at -a is 2^(GELU_SQUARE * a^2) times a quotient in a, on
# [0, 14.5]; at most 1.8e-8, which makes up for what GELU_SQUARE lacks of -log2(e) / 2.
GELU_LIMIT = -14.5
GELU_SQUARE = float.fromhex("-0x1.715476p-1")
GELU_TOP = _numbers("0x1p-1", "0x1.c7ad08p-2", "0x1.81142ep-3", "0x1.59c324p-5", "0x1.1c6bbap-8")
GELU_BOTTOM = _numbers(
    "0x1p+0", "0x1.b018b4p+0", "0x1.390812p+0", "0x1.edab40p-2", "0x1.b15bb0p-4", "0x1.647842p-7"
)
# 1 / sqrt(2 * pi).
DENSITY = float.fromhex("0x1.988454p-2")

# Sums over a row: accumulators, of which neighbours are added first, then those of the warps of so
# many lanes, then the lanes'.
ROW_ACCUMULATORS = 2048
ROW_NEIGHBOURS = 8
ROW_LANES = 32

# Sums over rows: accumulators, of which row t goes to number t modulo this.
COLUMN_ACCUMULATORS = 256
