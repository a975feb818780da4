"""Scale rules against the definitions in whole numbers: docs/numerics.md, section 4."""

from __future__ import annotations

import math
from fractions import Fraction

import ml_dtypes
import numpy as np
import pytest
import torch
from torch import Tensor

from bit_patterns import random_patterns, same_bits
from opparity.formats import (
    RECIPES,
    VALUE_FORMATS,
    Recipe,
    ScaleFormat,
    ScaleRule,
    ValueFormat,
    group_recipe,
)
from opparity.operators.reference import dequantise, quantise
from opparity.operators.reference.scales import (
    Settings,
    exponent_codes,
    given_factor,
    group_scales,
    power_of_code,
)

EXPONENT_RULES = (ScaleRule.CEIL, ScaleRule.EVEN, ScaleRule.FLOOR)
FORMATS_WITH_EXPONENTS = [f for f in VALUE_FORMATS.values() if f.exponent is not None]
FORMATS_WITH_FLOAT32_SCALES = [f for f in VALUE_FORMATS.values() if f.bits == 8]
QUIET_NAN = 0x7FC00000


def bits(x: Tensor) -> list[int]:
    found: list[int] = x.contiguous().view(torch.int32).flatten().tolist()
    return found


def magnitudes() -> Tensor:
    """Return amaxes: random bits, and each power of two with its neighbours and quarters."""
    exponents = torch.arange(1, 255, dtype=torch.int32) << 23
    near = [
        exponents + offset
        for offset in (-1, 0, 1, 0x1FFFFF, 0x200000, 0x400000, 0x5FFFFF, 0x600000, 0x600001)
    ]
    eighths = [exponents + (eighth << 20) + by for eighth in range(8) for by in (-1, 0, 1)]
    small = torch.tensor([0, 1, 2, 0x3FFFFF, 0x400000, 0x400001, 0x7FFFFF], dtype=torch.int32)
    patterns = torch.cat((small, *near, *eighths)).view(torch.float32)
    found = torch.cat((patterns, random_patterns(20_000).abs()))
    return found[found.isfinite()]


def exponent_by_definition(amax: float, rule: ScaleRule, value_format: ValueFormat) -> int:
    """Return an E8M0 code from the rule's definition, by exact arithmetic."""
    assert value_format.exponent is not None
    if rule is ScaleRule.CEIL:
        # The quotient is rounded to float32 once.
        quotient = Fraction(float(np.float32(amax) / np.float32(value_format.maximum)))
        power = math.ceil(math.log2(quotient)) - 2 if quotient else -200
        while Fraction(2) ** power < quotient:
            power += 1
        return min(max(127 + power, 0), 254)
    exact = Fraction(amax)
    if exact == 0:
        return 0
    power = math.frexp(amax)[1] - 1
    if rule is ScaleRule.EVEN:
        step = Fraction(2) ** (max(power, -126) - value_format.mantissa_bits)
        # Halves go up: the next power of two is even.
        nearest = ((exact / step) * 2 + 1) // 2 * step
        if nearest == 0:
            return 0
        power = math.frexp(float(nearest))[1] - 1
    return min(max(127 + max(power, -127) - value_format.exponent, 0), 254)


@pytest.mark.parametrize("rule", EXPONENT_RULES)
@pytest.mark.parametrize("value_format", FORMATS_WITH_EXPONENTS, ids=lambda f: f.name)
def test_exponents_are_those_of_the_definition(rule: ScaleRule, value_format: ValueFormat) -> None:
    amax = magnitudes()
    got = exponent_codes(amax, rule, value_format)
    expected = [exponent_by_definition(a, rule, value_format) for a in amax.tolist()]
    assert got.tolist() == expected


@pytest.mark.parametrize("rule", EXPONENT_RULES)
@pytest.mark.parametrize("value_format", FORMATS_WITH_EXPONENTS, ids=lambda f: f.name)
def test_infinity_and_nan_have_codes_of_their_own(
    rule: ScaleRule, value_format: ValueFormat
) -> None:
    amax = torch.tensor([math.inf, math.nan])
    assert exponent_codes(amax, rule, value_format).tolist() == [254, 255]


@pytest.mark.parametrize("value_format", FORMATS_WITH_EXPONENTS, ids=lambda f: f.name)
def test_the_product_with_a_reciprocal_gives_the_exponent_of_the_quotient(
    value_format: ValueFormat,
) -> None:
    # Every mantissa in binades of each kind: subnormal amax, quotients about 2^-127, large ones.
    maximum = np.float32(value_format.maximum)
    reciprocal = np.float32(1) / maximum
    mantissas = np.arange(1 << 23, dtype=np.uint32)
    different: list[float] = []
    for field in (0, 1, 2, 8, 9, 15, 20, 127, 254):
        amax = (mantissas | np.uint32(field << 23)).view(np.float32)
        product, quotient = (
            np.where(x.view(np.uint32) <= 1 << 22, 0, (x.view(np.uint32) + 0x7FFFFF) >> 23)
            for x in (amax * reciprocal, amax / maximum)
        )
        different += amax[product != quotient].tolist()
    assert different == []


def test_the_powers_of_codes() -> None:
    codes = torch.arange(256, dtype=torch.int32)
    expected = codes.numpy().astype(np.uint8).view(ml_dtypes.float8_e8m0fnu).astype(np.float32)
    got = power_of_code(codes)
    assert got[:255].tolist() == expected[:255].tolist()
    assert got[255].isnan()
    inverse = power_of_code(codes, inverse=True)
    assert (inverse[:255].double() * got[:255].double()).tolist() == [1.0] * 255
    assert bits(inverse)[255] == QUIET_NAN


@pytest.mark.parametrize("rule", EXPONENT_RULES)
@pytest.mark.parametrize("value_format", FORMATS_WITH_EXPONENTS, ids=lambda f: f.name)
def test_bytes_and_numbers_of_exponents_agree(rule: ScaleRule, value_format: ValueFormat) -> None:
    amax = torch.cat((magnitudes(), torch.tensor([math.inf, math.nan])))[None]
    as_bytes, as_numbers = (
        group_scales(amax, Recipe(value_format.name, 32, scale, rule), Settings())
        for scale in (ScaleFormat.E8M0, ScaleFormat.POWER_OF_TWO)
    )
    assert as_bytes.stored.dtype == torch.uint8
    assert same_bits(power_of_code(as_bytes.stored.int()), as_numbers.stored).all()
    assert same_bits(as_bytes.factor, as_numbers.factor).all()


@pytest.mark.parametrize("value_format", FORMATS_WITH_FLOAT32_SCALES, ids=lambda f: f.name)
def test_scales_by_amax_are_the_rounded_quotient_between_its_bounds(
    value_format: ValueFormat,
) -> None:
    amax = magnitudes()
    recipe = group_recipe(value_format.name)
    quotient = amax.numpy() / np.float32(value_format.maximum)
    least = np.float32(value_format.minimum_scale)
    got = group_scales(amax, recipe, Settings())
    assert got.stored.tolist() == np.maximum(quotient, least).tolist()
    bounded = group_scales(amax, recipe, Settings(scale_ub=torch.tensor(0.5), least=0.25))
    expected = np.maximum(np.minimum(quotient, np.float32(0.5)), np.float32(0.25))
    assert bounded.stored.tolist() == expected.tolist()
    assert bounded.factor.tolist() == (np.float32(1) / expected).tolist()


@pytest.mark.parametrize("bound", [math.nan, 0.0, -1.0])
def test_a_bound_that_is_none_makes_every_scale_nan(bound: float) -> None:
    got = group_scales(
        torch.tensor([1.0, math.inf]), group_recipe(), Settings(scale_ub=torch.tensor(bound))
    )
    assert bits(got.stored) == [QUIET_NAN] * 2


def test_nan_and_infinity_by_amax() -> None:
    amax = torch.tensor([math.nan, math.inf])
    assert bits(group_scales(amax, group_recipe(), Settings()).stored) == [QUIET_NAN, 0x7F800000]
    bounded = group_scales(amax, group_recipe(), Settings(scale_ub=torch.tensor(2.0)))
    assert bits(bounded.stored) == [QUIET_NAN, 0x40000000]


def test_scales_under_a_global_one_are_nvfp4s() -> None:
    generator = torch.Generator().manual_seed(3)
    products = torch.randn(512, 256, generator=generator) * 3
    products[0, :16] = 0.0
    products[1, :16] = 1e-9
    products[2, 5] = math.nan
    products[3, 5] = math.inf
    one = np.float32(1)
    whole = np.float32(448 * 6) / np.float32(12.0)
    values, codes = quantise(products, RECIPES["nvfp4"], scale=torch.tensor(whole))
    assert codes is not None
    blocks = np.abs(products.numpy().reshape(512, 16, 16)).max(axis=-1)
    with np.errstate(invalid="ignore"):
        scaled = np.minimum(blocks * (whole * (one / np.float32(6))), np.float32(448))
        expected = scaled.astype(ml_dtypes.float8_e4m3fn)
    assert codes.tolist() == expected.view(np.uint8).tolist()
    numbers = expected.astype(np.float32)
    with np.errstate(divide="ignore"):
        factor = np.where(numbers == 0, 0, whole / numbers).astype(np.float32)
        quotient = products.numpy().reshape(512, 16, 16) * factor[..., None]
    finite = np.isfinite(quotient)
    nibbles = np.clip(quotient, -6, 6)[finite].astype(ml_dtypes.float4_e2m1fn).view(np.uint8)
    unpacked = torch.stack((values & 15, values >> 4), dim=-1).reshape(512, 16, 16).numpy()
    assert np.array_equal(unpacked[finite], nibbles)
    assert (unpacked[2, 0] == 7).all()
    assert unpacked[3, 0, 5] == 7
    back = dequantise(values, codes, RECIPES["nvfp4"], 256, scale=torch.tensor(whole)).numpy()
    signed = unpacked.astype(np.uint8).view(ml_dtypes.float4_e2m1fn).astype(np.float32)
    rebuilt = signed * (numbers / whole)[..., None]
    assert np.array_equal(back.reshape(512, 16, 16), rebuilt, equal_nan=True)


@pytest.mark.parametrize("given", [0.0, -0.0, math.nan])
def test_a_given_scale_that_is_none_makes_everything_nan(given: float) -> None:
    scale = torch.tensor(given)
    assert given_factor(scale).isnan()
    codes, _ = quantise(torch.ones(1, 4), RECIPES["fp8_tensor"], scale=scale)
    assert codes.view(torch.uint8).tolist() == [[0x7F] * 4]
    _, stored = quantise(torch.ones(1, 16), RECIPES["nvfp4"], scale=scale)
    assert stored is not None
    assert stored.tolist() == [[0x7F]]


def test_the_amax_of_the_other_rules_is_raised_to_the_least() -> None:
    recipe = RECIPES["mxfp8"]
    amax = torch.tensor([0.0, 1e-5, 1.0, math.nan])
    got = group_scales(amax, recipe, Settings(least=1e-4)).stored
    assert got[0] == got[1]
    assert got.tolist() == [
        exponent_by_definition(1e-4, ScaleRule.CEIL, VALUE_FORMATS["float8_e4m3fn"])
    ] * 2 + [119, 255]
