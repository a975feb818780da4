"""The numerics contract (docs/numerics.md) in plain torch: the specification of every operator.

All functions are elementwise on float32 tensors, on any device that has float64.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from opparity.operators.numerics import (
    EXP2_COEFFICIENTS,
    GATE_LIMIT,
    LOG2_E_HIGH,
    LOG2_E_LOW,
    ROUNDING_SHIFT,
    SCALING,
)

if TYPE_CHECKING:
    from opparity.formats import ValueFormat

_MAGNITUDE_BITS = 0x7FFFFFFF
_INFINITY_BITS = 0x7F800000


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


def correctly_rounded_reciprocal(divisor: Tensor) -> Tensor:
    """Return 1 / divisor, rounded once."""
    return torch.ones_like(divisor) / divisor


def silu(gate: Tensor) -> Tensor:
    """Return gate / (1 + exp(-gate)) by the contract's sequence of float32 operations."""
    z = torch.maximum(-gate.abs(), torch.full_like(gate, GATE_LIMIT))
    shifted = fused_multiply_add(z, LOG2_E_HIGH, ROUNDING_SHIFT)
    exponent = shifted - ROUNDING_SHIFT
    fraction = fused_multiply_add(z, LOG2_E_HIGH, -exponent)
    fraction = fused_multiply_add(z, LOG2_E_LOW, fraction)
    power = torch.full_like(gate, EXP2_COEFFICIENTS[-1])
    for coefficient in reversed(EXP2_COEFFICIENTS[:-1]):
        power = fused_multiply_add(power, fraction, coefficient)
    # The integer stands in the low bits of `shifted`, with the scaling's 64; the shift drops the
    # others.
    scaled = (power.view(torch.int32) + (shifted.view(torch.int32) << 23)).view(torch.float32)
    reciprocal = correctly_rounded_reciprocal(scaled + SCALING)
    positive_part = torch.where(gate < 0, -0.0, gate)
    return fused_multiply_add(z * scaled, reciprocal, positive_part)


def magnitude_maximum(groups: Tensor) -> Tensor:
    """Return the largest magnitude along the last dimension; NaN if any element is NaN."""
    bits = groups.view(torch.int32) & _MAGNITUDE_BITS
    return bits.amax(dim=-1).view(torch.float32)


def group_scales(amax: Tensor, value_format: ValueFormat, scale_ub: Tensor | None) -> Tensor:
    """Return the dequantisation multiplier of each group, from its amax."""
    # A tensor as divisor: by a number, torch multiplies with its reciprocal on GPUs.
    scales = amax / torch.full_like(amax, value_format.maximum)
    if scale_ub is not None:
        scales = torch.where(scales > scale_ub, scale_ub, scales)
    scales = torch.where(scales < value_format.minimum_scale, value_format.minimum_scale, scales)
    invalid = scales.isnan()
    if scale_ub is not None:
        invalid = invalid | ~(scale_ub > 0)
    # The canonical quiet NaN: processors differ in the payload that arithmetic hands on.
    return torch.where(invalid, torch.full_like(scales, torch.nan), scales)


def quantise(groups: Tensor, scales: Tensor, value_format: ValueFormat) -> Tensor:
    """Return the codes of groups [..., num_groups, group_size] under scales [..., num_groups]."""
    quotient = groups * correctly_rounded_reciprocal(scales).unsqueeze(-1)
    dtype: torch.dtype = getattr(torch, value_format.name)
    limited = quotient.clamp(value_format.lowest, value_format.maximum)
    if dtype == torch.int8:
        return limited.nan_to_num(0.0).round().to(dtype)
    codes = limited.to(dtype).view(torch.uint8)
    return torch.where(quotient.isnan(), value_format.nan_code, codes).to(torch.uint8).view(dtype)
