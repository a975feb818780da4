"""Scale rules: from a group's largest magnitude to its scale (docs/numerics.md, section 4)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from opparity.formats import VALUE_FORMATS, ScaleFormat, ScaleRule
from opparity.operators.reference.numerics import INFINITY_BITS, at_least, at_most, reciprocal
from opparity.operators.reference.values import encode

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    from opparity.formats import Recipe, ValueFormat

_E4M3 = VALUE_FORMATS["float8_e4m3fn"]
_LARGEST_EXPONENT_CODE = 254
_NAN_EXPONENT_CODE = 255


@dataclass(frozen=True, slots=True)
class GroupScales:
    """Scales [num_tokens, num_groups].

    Attributes:
        stored: float32 numbers, or uint8 codes where the recipe's scale is a byte.
        factor: what to multiply products with before they are encoded.
    """

    stored: Tensor
    factor: Tensor


@dataclass(frozen=True, slots=True)
class Settings:
    """What a call says about scales; numbers are float32 tensors of one element.

    Attributes:
        scale: NVFP4's global one.
        scale_ub: the upper bound by the rule AMAX.
        least: the lower clamp of scales by AMAX; of the largest magnitude by the other rules.
    """

    scale: Tensor | None = None
    scale_ub: Tensor | None = None
    least: float | None = None


def group_scales(amax: Tensor, recipe: Recipe, settings: Settings) -> GroupScales:
    """Return the scales of groups with these largest magnitudes."""
    value_format = recipe.format
    assert value_format is not None
    if recipe.rule is ScaleRule.AMAX:
        return _by_amax(amax, value_format, settings)
    amax = at_least(amax, 0.0 if settings.least is None else settings.least)
    if recipe.rule is ScaleRule.GLOBAL:
        assert settings.scale is not None
        return _under_global(amax, value_format, settings.scale)
    codes = exponent_codes(amax, recipe.rule, value_format)
    stored = codes.to(torch.uint8) if recipe.scale_is_byte else power_of_code(codes)
    return GroupScales(stored, power_of_code(codes, inverse=True))


def given_factor(scale: Tensor) -> Tensor:
    """Return what to multiply products with under a given scale; NaN if that is zero."""
    return torch.where(scale == 0, torch.nan, reciprocal(scale))


def numbers(stored: Tensor, recipe: Recipe, scale: Tensor | None) -> Tensor:
    """Return what to multiply codes with, from stored scales, as float32."""
    if recipe.scale is ScaleFormat.E8M0:
        return power_of_code(stored.view(torch.uint8).int())
    if recipe.scale is ScaleFormat.E4M3:
        assert scale is not None
        return stored.view(torch.float8_e4m3fn).float() / _above_zero(scale)
    return stored


def exponent_codes(amax: Tensor, rule: ScaleRule, value_format: ValueFormat) -> Tensor:
    """Return the codes of E8M0 scales, 0 to 254, and 255 where amax is NaN, as int32."""
    codes = _EXPONENT_RULES[rule](amax, value_format).clamp(0, _LARGEST_EXPONENT_CODE)
    codes = torch.where(amax.isinf(), _LARGEST_EXPONENT_CODE, codes)
    return torch.where(amax.isnan(), _NAN_EXPONENT_CODE, codes)


def power_of_code(codes: Tensor, *, inverse: bool = False) -> Tensor:
    """Return 2^(code - 127), or its inverse, from int32 codes; NaN for 255."""
    fields = _LARGEST_EXPONENT_CODE - codes if inverse else codes
    # 2^-127 is subnormal: its exponent field is 0 and its first digit is set.
    bits = torch.where(fields == 0, 1 << 22, fields << 23)
    return torch.where(codes == _NAN_EXPONENT_CODE, torch.nan, bits.view(torch.float32))


def _by_amax(amax: Tensor, value_format: ValueFormat, settings: Settings) -> GroupScales:
    least = value_format.minimum_scale if settings.least is None else settings.least
    bound = settings.scale_ub
    # A tensor as divisor: by a number, torch multiplies with its reciprocal on GPUs.
    scales = amax / torch.full_like(amax, value_format.maximum)
    invalid = scales.isnan()
    if bound is not None:
        scales = at_most(scales, bound)
        invalid = invalid | ~(bound > 0)
    # The canonical quiet NaN: processors differ in the payload that arithmetic hands on.
    scales = torch.where(invalid, torch.nan, at_least(scales, least))
    return GroupScales(scales, reciprocal(scales))


def _under_global(amax: Tensor, value_format: ValueFormat, scale: Tensor) -> GroupScales:
    scale = _above_zero(scale)
    sixth = reciprocal(torch.full_like(scale, value_format.maximum))
    codes = encode(amax * (scale * sixth), _E4M3)
    numbers = codes.float()
    factor = torch.where(numbers == 0, 0.0, scale / numbers)
    return GroupScales(codes.view(torch.uint8), factor)


def _above_zero(scale: Tensor) -> Tensor:
    return torch.where(scale > 0, scale, torch.nan)


def _ceil(amax: Tensor, value_format: ValueFormat) -> Tensor:
    """Return the exponent of amax / maximum, rounded up."""
    quotient = amax * reciprocal(torch.full_like(amax, value_format.maximum))
    bits = quotient.view(torch.int32)
    # Up to 2^-127 the least power of two is not below.
    return torch.where(bits <= 1 << 22, 0, (bits >> 23) + (bits & 0x7FFFFF != 0).int())


def _even(amax: Tensor, value_format: ValueFormat) -> Tensor:
    """Return the exponent of amax rounded to the format's mantissa, less the largest one."""
    half = 1 << (22 - value_format.mantissa_bits)
    return _floor((_finite_bits(amax) + half).view(torch.float32), value_format)


def _floor(amax: Tensor, value_format: ValueFormat) -> Tensor:
    """Return the exponent of amax, less the format's largest one."""
    assert value_format.exponent is not None
    return (amax.view(torch.int32) >> 23) - value_format.exponent


def _finite_bits(amax: Tensor) -> Tensor:
    # Infinity and NaN have codes of their own, and NaN's bits must not run over.
    bits = amax.view(torch.int32)
    return torch.where(bits < INFINITY_BITS, bits, 0)


_EXPONENT_RULES: dict[ScaleRule, Callable[[Tensor, ValueFormat], Tensor]] = {
    ScaleRule.CEIL: _ceil,
    ScaleRule.EVEN: _even,
    ScaleRule.FLOOR: _floor,
}
