"""Results of 16 bits against the correctly rounded ones."""

from __future__ import annotations

from fractions import Fraction

import mpmath
import torch
from torch import Tensor

# Binary digits, and the exponent of the least normal number.
PRECISION = {torch.float16: (11, -14), torch.bfloat16: (8, -126), torch.float32: (24, -126)}


def correctly_rounded(value: mpmath.mpf, dtype: torch.dtype) -> Fraction:
    """Return a value rounded to a dtype's digits, ties to even."""
    digits, least = PRECISION[dtype]
    exponent = max(int(mpmath.floor(mpmath.log(abs(value), 2))), least)
    step = mpmath.mpf(2) ** (exponent - digits + 1)
    return Fraction(int(mpmath.nint(value / step))) * Fraction(2) ** (exponent - digits + 1)


def doubtful(got: Tensor, exact: Tensor) -> list[int]:
    """Return the places where float64 alone does not show that `got` is rounded correctly.

    Args:
        got: in a dtype of 16 bits.
        exact: what was rounded, in float64, to within 10^-9 of itself.
    """
    digits, least = PRECISION[got.dtype]
    exponent = torch.floor(torch.log2(exact.abs())).clamp(min=least)
    step = torch.exp2(exponent - digits + 1)
    steps = exact / step
    is_right = got.double() == steps.round() * step
    from_tie = ((steps - steps.floor()) - 0.5).abs()
    sure = is_right & (from_tie > 1e-9 * steps.abs())
    return [int(place) for place in (~sure).nonzero().flatten()]
