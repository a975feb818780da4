"""Codes of values, against the formats' definition and ml_dtypes."""

from __future__ import annotations

import itertools
from fractions import Fraction

import ml_dtypes
import numpy as np
import pytest
import torch
from torch import Tensor

from bit_patterns import every_pattern, random_patterns
from opparity.formats import VALUE_FORMATS, ValueFormat
from opparity.operators.reference.numerics import rounded
from opparity.operators.reference.values import decode, encode

FLOATS = {
    "float8_e4m3fn": (4, 7, ml_dtypes.float8_e4m3fn),
    "float8_e4m3fnuz": (4, 8, ml_dtypes.float8_e4m3fnuz),
    "float8_e5m2": (5, 15, ml_dtypes.float8_e5m2),
    "float4_e2m1": (2, 1, ml_dtypes.float4_e2m1fn),
}
every_format = pytest.mark.parametrize("name", list(VALUE_FORMATS))
every_float = pytest.mark.parametrize("name", list(FLOATS))


def codes_of(numbers: Tensor, value_format: ValueFormat) -> Tensor:
    """Return a code for each number, one a byte."""
    codes = encode(numbers.reshape(1, -1), value_format).view(torch.uint8)
    if value_format.bits == 4:
        codes = torch.stack((codes & 15, codes >> 4), dim=-1)
    return codes.flatten()


def numbers_of_codes(value_format: ValueFormat) -> dict[int, Fraction]:
    """Return what each code stands for, from the format's definition; without those of NaN."""
    exponent_bits, bias, _ = FLOATS[value_format.name]
    mantissa_bits = value_format.bits - 1 - exponent_bits
    table = {}
    for code in range(1 << value_format.bits):
        exponent = (code >> mantissa_bits) & ((1 << exponent_bits) - 1)
        digits = Fraction(code & ((1 << mantissa_bits) - 1), 1 << mantissa_bits)
        magnitude = (digits + (exponent > 0)) * Fraction(2) ** (max(exponent, 1) - bias)
        negative = code >> (value_format.bits - 1)
        # Beyond the maximum there are NaN, infinity, and what FNUZ leaves free under 224.
        if magnitude <= Fraction(value_format.maximum) and (
            magnitude or not negative or value_format.name != "float8_e4m3fnuz"
        ):
            table[code] = -magnitude if negative else magnitude
    return table


@every_float
def test_codes_are_the_nearest_ties_to_even_and_saturate(name: str) -> None:
    value_format = VALUE_FORMATS[name]
    allowed = numbers_of_codes(value_format)
    magnitudes = sorted({abs(value) for value in allowed.values()})
    points = [
        Fraction(sign) * (low + high) / 2 * factor
        for low, high in itertools.pairwise(magnitudes)
        for sign in (1, -1)
        for factor in (Fraction(1), 1 - Fraction(1, 2**18), 1 + Fraction(1, 2**18))
    ]
    beyond = (Fraction(10**6), Fraction(value_format.maximum) * Fraction(33, 32))
    points += [Fraction(sign) * value for value in (*magnitudes, *beyond) for sign in (1, -1)]
    quotients = torch.tensor([float(point) for point in points], dtype=torch.float32)
    assert [Fraction(q) for q in quotients.double().tolist()] == points
    sign_bit = 1 << (value_format.bits - 1)
    for point, code in zip(points, codes_of(quotients, value_format).tolist(), strict=True):
        limit = Fraction(value_format.maximum)
        limited = max(-limit, min(limit, point))
        best = min(
            allowed,
            key=lambda c: (abs(allowed[c] - limited), c & 1, (c & sign_bit != 0) != (point < 0)),
        )
        assert code == best, (float(point), code, best)


@pytest.mark.parametrize(
    ("tie", "expected"),
    [(0.25, 0.0), (0.75, 1.0), (1.25, 1.0), (1.75, 2.0), (2.5, 2.0), (3.5, 4.0), (5.0, 4.0)],
)
@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_ties_of_e2m1(tie: float, expected: float, sign: float) -> None:
    value_format = VALUE_FORMATS["float4_e2m1"]
    values = encode(torch.tensor([[sign * tie, 6.0]]), value_format)
    assert decode(values, value_format).tolist() == [[sign * expected, 6.0]]


def test_two_codes_of_four_bits_share_a_byte_the_first_in_the_low_half() -> None:
    numbers = torch.tensor([[0.5, -6.0, float("nan"), -0.0]])
    assert encode(numbers, VALUE_FORMATS["float4_e2m1"]).tolist() == [[0xF1, 0x87]]


def of_ml_dtypes(numbers: Tensor, value_format: ValueFormat) -> Tensor:
    """Return ml_dtypes' codes of numbers that are limited first, since it does not saturate."""
    limited = numbers.clamp(value_format.lowest, value_format.maximum).numpy()
    if value_format.name == "int8":
        return torch.from_numpy(np.rint(np.nan_to_num(limited)).astype(np.int8).view(np.uint8))
    with np.errstate(invalid="ignore"):
        codes = limited.astype(FLOATS[value_format.name][2]).view(np.uint8)
    return torch.from_numpy(np.where(np.isnan(limited), value_format.nan_code, codes)).byte()


@every_format
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16], ids=["float16", "bfloat16"])
@pytest.mark.parametrize("factor", [1.0, 0.0078125, 1.0 / 3.0])
def test_every_16_bit_number_has_the_code_of_ml_dtypes(
    name: str, dtype: torch.dtype, factor: float
) -> None:
    value_format = VALUE_FORMATS[name]
    numbers = every_pattern(dtype).float() * factor
    assert torch.equal(codes_of(numbers, value_format), of_ml_dtypes(numbers, value_format))


@every_format
def test_random_float32_numbers_have_the_codes_of_ml_dtypes(name: str) -> None:
    value_format = VALUE_FORMATS[name]
    spread = torch.randn(100_000, generator=torch.Generator().manual_seed(2)) * value_format.maximum
    numbers = torch.cat((random_patterns(100_000), spread))
    assert torch.equal(codes_of(numbers, value_format), of_ml_dtypes(numbers, value_format))


@every_float
def test_codes_stand_for_the_numbers_of_ml_dtypes(name: str) -> None:
    value_format = VALUE_FORMATS[name]
    count = 1 << value_format.bits
    codes = torch.arange(count, dtype=torch.uint8)
    expected = torch.from_numpy(codes.numpy().view(FLOATS[name][2]).astype(np.float32))
    if value_format.bits == 4:
        codes = codes[::2] | (codes[1::2] << 4)
    got = decode(codes.view(1, -1), value_format).flatten()
    assert torch.equal(torch.signbit(got[~got.isnan()]), torch.signbit(expected[~got.isnan()]))
    assert torch.equal(got.nan_to_num(-1e9), expected.nan_to_num(-1e9))


@every_format
def test_a_number_of_the_format_keeps_its_code(name: str) -> None:
    value_format = VALUE_FORMATS[name]
    numbers = torch.linspace(value_format.lowest, value_format.maximum, 1000)[None]
    once = encode(numbers, value_format)
    assert torch.equal(
        encode(decode(once, value_format), value_format).view(torch.uint8), once.view(torch.uint8)
    )


@pytest.mark.parametrize(
    ("dtype", "quiet"),
    [(torch.float16, 0x7E00), (torch.bfloat16, 0x7FC0), (torch.float32, 0x7FC00000)],
)
def test_every_nan_that_is_written_is_the_canonical_one(dtype: torch.dtype, quiet: int) -> None:
    patterns = torch.tensor([0x7F800001, -1, 0x7FC12345, -0x400000], dtype=torch.int32)
    got = rounded(patterns.view(torch.float32), dtype)
    bits = got.view(torch.int32 if dtype == torch.float32 else torch.int16)
    assert bits.tolist() == [quiet] * 4
