"""The contract's arithmetic in plain torch, elementwise on float32 tensors.

Everything runs on any device that has float64.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from opparity.operators.numerics import (
    EXP2_COEFFICIENTS,
    LOG2_E_HIGH,
    LOG2_E_LOW,
    ROUNDING_SHIFT,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

MAGNITUDE_BITS = 0x7FFFFFFF
INFINITY_BITS = 0x7F800000


def fused_multiply_add(a: Tensor, b: Tensor | float, c: Tensor | float) -> Tensor:
    """Return a * b + c, rounded once to float32.

    The product of two float32 numbers is exact in float64. The sum is rounded to odd there, and
    rounding that to float32 equals rounding the exact value, since 53 >= 24 + 2 digits remain
    (Boldo and Melquiond, "Emulation of a FMA and correctly rounded sums", 2008).
    """
    product = a.double() * (b.double() if isinstance(b, Tensor) else b)
    addend = c.double() if isinstance(c, Tensor) else torch.full_like(product, c)
    total = product + addend
    # Knuth's TwoSum: total + error is the exact sum.
    part = total - product
    error = (product - (total - part)) + (addend - part)
    bits = total.view(torch.int64)
    inexact = total.isfinite() & (error != 0) & (bits & 1 == 0)
    away = (error > 0) == (total > 0)
    odd = torch.where(away, bits + 1, bits - 1)
    return torch.where(inexact, odd, bits).view(torch.float64).float()


def reciprocal(divisor: Tensor) -> Tensor:
    """Return 1 / divisor, rounded once."""
    return torch.ones_like(divisor) / divisor


def at_most(x: Tensor, limit: Tensor | float) -> Tensor:
    """Return x, or the limit where x is above it; NaN stays."""
    return torch.where(x > limit, limit, x)


def at_least(x: Tensor, limit: Tensor | float) -> Tensor:
    """Return x, or the limit where x is below it; NaN stays."""
    return torch.where(x < limit, limit, x)


def clamp(x: Tensor, limit: Tensor) -> Tensor:
    """Return x between -limit and limit; NaN stays."""
    return at_least(at_most(x, limit), -limit)


def polynomial(coefficients: Sequence[float], x: Tensor) -> Tensor:
    """Return the polynomial with these coefficients, lowest degree first, by Horner's rule."""
    total = torch.full_like(x, coefficients[-1])
    for coefficient in reversed(coefficients[:-1]):
        total = fused_multiply_add(total, x, coefficient)
    return total


def power_of_two(shifted: Tensor, fraction: Tensor) -> Tensor:
    """Return 2^(n + 64 + fraction), with n + 64 in the low bits of `shifted`."""
    power = polynomial(EXP2_COEFFICIENTS, fraction)
    # The shift drops the other bits.
    return (power.view(torch.int32) + (shifted.view(torch.int32) << 23)).view(torch.float32)


def exponential(
    z: Tensor, high: Tensor | float = LOG2_E_HIGH, low: Tensor | float = LOG2_E_LOW
) -> Tensor:
    """Return 2^(64 + z * (high + low)), for exponents from -185 to 0."""
    shifted = fused_multiply_add(z, high, ROUNDING_SHIFT)
    exponent = shifted - ROUNDING_SHIFT
    fraction = fused_multiply_add(z, high, -exponent)
    return power_of_two(shifted, fused_multiply_add(z, low, fraction))


def magnitude_maximum(groups: Tensor) -> Tensor:
    """Return the largest magnitude along the last dimension; NaN if any element is NaN."""
    bits = groups.view(torch.int32) & MAGNITUDE_BITS
    return bits.amax(dim=-1).view(torch.float32)


def rounded(x: Tensor, dtype: torch.dtype) -> Tensor:
    """Return x in a floating-point dtype, ties to even; every NaN is the canonical quiet one."""
    canonical = torch.full((), torch.nan, dtype=dtype, device=x.device)
    return torch.where(x.isnan(), canonical, x.to(dtype))
