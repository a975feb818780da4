from __future__ import annotations

import itertools
import re
from fractions import Fraction
from pathlib import Path

import mpmath
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from operator_calls import every_pattern
from opparity.formats import VALUE_FORMATS, ValueFormat
from opparity.operators import numerics, reference_numerics
from opparity.operators.numerics import EXP2_COEFFICIENTS

SOURCE = Path(__file__).parents[2] / "src" / "opparity"

float32_bits = st.integers(0, 2**32 - 1)


def float32(bits: int) -> np.float32:
    return np.uint32(bits).view(np.float32)


def nearest_float32(exact: Fraction) -> np.float32:
    """Round to the nearest float32, ties to even, by looking at the neighbours."""
    with np.errstate(over="ignore"):
        guess = np.float32(float(exact))
    limit = Fraction(float(np.finfo(np.float32).max))
    if abs(exact) >= limit + limit / (2**25 - 2):
        return np.float32(np.inf) if exact > 0 else np.float32(-np.inf)
    with np.errstate(over="ignore"):
        around = [np.nextafter(guess, np.float32(way)) for way in (-np.inf, np.inf)]
    candidates = [c for c in (guess, *around) if np.isfinite(c)]
    return min(
        candidates,
        key=lambda c: (abs(Fraction(float(c)) - exact), int(c.view(np.uint32)) & 1),
    )


@settings(max_examples=2000, deadline=None)
@given(float32_bits, float32_bits, float32_bits)
def test_the_references_fused_multiply_add_rounds_the_exact_value_once(
    a_bits: int, b_bits: int, c_bits: int
) -> None:
    a, b, c = float32(a_bits), float32(b_bits), float32(c_bits)
    if not (np.isfinite(a) and np.isfinite(b) and np.isfinite(c)):
        return
    exact = Fraction(float(a)) * Fraction(float(b)) + Fraction(float(c))
    got = reference_numerics.fused_multiply_add(
        *(torch.tensor([float(x)], dtype=torch.float32) for x in (a, b, c))
    )
    assert got.item() == nearest_float32(exact), (a, b, c)


@pytest.mark.parametrize(
    ("a", "b", "c"),
    [
        # Products just beside the middle of two float32 numbers, which rounding twice gets wrong.
        (1.0 + 2.0**-12, 1.0 + 2.0**-12, 2.0**-60),
        (1.0 + 2.0**-12, 1.0 + 2.0**-12, -(2.0**-60)),
        (1.0 + 2.0**-23, 2.0**-24, 1.0),
        (1.0 - 2.0**-24, 2.0**-24, 1.0),
        (2.0**-75, 2.0**-75, 2.0**-126),
    ],
)
def test_the_references_fused_multiply_add_near_ties(a: float, b: float, c: float) -> None:
    exact = Fraction(a) * Fraction(b) + Fraction(c)
    got = reference_numerics.fused_multiply_add(*(torch.tensor([x]) for x in (a, b, c)))
    assert got.item() == nearest_float32(exact)


def correctly_rounded_silu(gate: float, digits: int, least_exponent: int) -> Fraction:
    """Return SiLU rounded to so many binary digits, ties to even, from 200 digits of it."""
    with mpmath.workprec(200):
        value = mpmath.mpf(gate) / (1 + mpmath.exp(-mpmath.mpf(gate)))
        exponent = max(int(mpmath.floor(mpmath.log(abs(value), 2))), least_exponent)
        step = mpmath.mpf(2) ** (exponent - digits + 1)
        return Fraction(int(mpmath.nint(value / step))) * Fraction(2) ** (exponent - digits + 1)


def nearest_in(dtype: torch.dtype, values: list[float]) -> list[float]:
    return torch.tensor(values, dtype=torch.float64).to(torch.float32).to(dtype).double().tolist()


@pytest.mark.parametrize(
    ("dtype", "digits", "least_exponent", "exceptions"),
    [(torch.float16, 11, -14, 1), (torch.bfloat16, 8, -126, 128)],
    ids=["float16", "bfloat16"],
)
def test_silu_of_every_gate_rounds_to_the_correctly_rounded_one_but_for_ties_of_float32(
    dtype: torch.dtype, digits: int, least_exponent: int, exceptions: int
) -> None:
    gates = every_pattern(dtype)
    gates = gates[gates.isfinite() & (gates != 0)]
    got = reference_numerics.silu(gates.float()).to(dtype)
    wrong = []
    for gate, value in zip(gates.double().tolist(), got.double().tolist(), strict=True):
        if abs(gate) > 200.0:
            assert value == max(gate, 0.0)
        elif Fraction(value) != correctly_rounded_silu(gate, digits, least_exponent):
            wrong.append((gate, value))
    # Where the two differ, the float32 number next to SiLU is half the gate, which lies in the
    # middle of two numbers of the type: the best float32 SiLU that there is rounds as this one.
    for gate, value in wrong:
        assert correctly_rounded_silu(gate, 24, -126) == Fraction(gate) / 2
        assert nearest_in(dtype, [gate / 2]) == [value]
    assert len(wrong) == exceptions  # stated in docs/numerics.md


def test_silu_keeps_the_sign_of_zero_nan_and_the_limits_at_infinity() -> None:
    gates = torch.tensor([0.0, -0.0, float("inf"), float("-inf"), float("nan"), -1e30, -200.0])
    got = reference_numerics.silu(gates)
    assert got[:2].tolist() == [0.0, -0.0]
    assert torch.signbit(got).tolist()[:4] == [False, True, False, True]
    assert got[2].item() == float("inf")
    assert got[3].item() == 0.0
    assert got[4].isnan()
    assert got[5:].tolist() == [0.0, 0.0]
    assert torch.signbit(got[5:]).all()


def test_the_error_of_silu_is_below_five_units_in_the_last_place() -> None:
    bits = torch.randint(0, 2**32, (200_000,), generator=torch.Generator().manual_seed(0))
    # The worst found among 18 million gates; half of these lay between -88 and 0.
    worst = torch.tensor([float.fromhex("-0x1.b0d60cp+2")])
    gates = torch.cat((bits.to(torch.int32).view(torch.float32), worst))
    gates = gates[gates.abs() < 87.0]  # beyond, results are subnormal
    got = reference_numerics.silu(gates).double()
    exact = gates.double() / (1.0 + torch.exp(-gates.double()))
    step = torch.exp2(torch.floor(torch.log2(exact.abs())) - 23)
    error = ((got - exact).abs() / step)[exact.abs() > 2.0**-126]
    assert error.max().item() == error[-1].item()
    assert error[-1].item() == pytest.approx(4.49, abs=0.005)  # stated in docs/numerics.md


def test_the_quotient_by_a_reciprocal_is_within_two_units_in_the_last_place() -> None:
    generator = torch.Generator().manual_seed(0)
    products = torch.randn(2048, 128, generator=generator)
    scales = reference_numerics.group_scales(
        reference_numerics.magnitude_maximum(products), VALUE_FORMATS["float8_e4m3fn"], None
    )[:, None]
    quotient = products * reference_numerics.correctly_rounded_reciprocal(scales)
    exact = products.double() / scales.double()
    step = torch.exp2(torch.floor(torch.log2(exact.abs())) - 23)
    assert 1.0 < ((quotient.double() - exact).abs() / step).max().item() < 2.0


def test_the_polynomials_relative_error_is_what_its_comment_says() -> None:
    worst = mpmath.mpf(0)
    for i in range(-500, 501):
        x = mpmath.mpf(i) / 1000
        value = mpmath.polyval([mpmath.mpf(c) for c in reversed(EXP2_COEFFICIENTS)], x)
        worst = max(worst, abs(value / mpmath.power(2, x) - 1))
    assert 8e-8 < worst < 9.4e-8


def test_log2_e_is_split_to_within_the_stated_bound() -> None:
    with mpmath.workprec(200):
        rest = (
            1 / mpmath.log(2) - mpmath.mpf(numerics.LOG2_E_HIGH) - mpmath.mpf(numerics.LOG2_E_LOW)
        )
        assert abs(rest) < mpmath.mpf(2) ** -51


def test_the_header_for_cpp_has_the_constants_of_the_contract() -> None:
    text = (SOURCE / "native" / "numerics.h").read_text("utf-8")

    def numbers(name: str) -> list[float]:
        match = re.search(rf"{name}(?:\[\])? = ([^;]*);", text)
        assert match is not None, name
        return [
            float.fromhex(number) if "x" in number else float(number)
            for number in re.findall(r"-?[0-9][0-9a-fx.p+-]*(?=f)", match[1])
        ]

    assert numbers("kLog2EHigh") == [numerics.LOG2_E_HIGH]
    assert numbers("kLog2ELow") == [numerics.LOG2_E_LOW]
    assert numbers("kRoundingShift") == [numerics.ROUNDING_SHIFT]
    assert numbers("kExp2Coefficients") == list(EXP2_COEFFICIENTS)
    assert numbers("kGateLimit") == [numerics.GATE_LIMIT]
    assert numbers("kScaling") == [numerics.SCALING]


def decoded(value_format: ValueFormat) -> dict[int, Fraction]:
    """Return what each code of an E4M3 format stands for, from the format's definition."""
    bias = 7 if value_format.name == "float8_e4m3fn" else 8
    table = {}
    for code in range(256):
        exponent, mantissa = (code >> 3) & 15, code & 7
        if code == value_format.nan_code or (code & 0x7F == 0x7F and bias == 7):
            continue
        magnitude = (
            Fraction(mantissa, 8) * Fraction(2) ** (1 - bias)
            if exponent == 0
            else (1 + Fraction(mantissa, 8)) * Fraction(2) ** (exponent - bias)
        )
        table[code] = -magnitude if code & 0x80 else magnitude
    return table


@pytest.mark.parametrize("name", ["float8_e4m3fn", "float8_e4m3fnuz"])
def test_codes_are_the_nearest_ties_to_even_and_saturate(name: str) -> None:
    value_format = VALUE_FORMATS[name]
    allowed = {
        code: value
        for code, value in decoded(value_format).items()
        if abs(value) <= Fraction(value_format.maximum)
    }
    middles = sorted({abs(v) for v in allowed.values()})
    points = [
        Fraction(sign) * (low + high) / 2 * factor
        for low, high in itertools.pairwise(middles)
        for sign in (1, -1)
        for factor in (Fraction(1), 1 - Fraction(1, 2**18), 1 + Fraction(1, 2**18))
    ]
    points += [Fraction(s) * v for v in (*middles, Fraction(10**6), Fraction(460)) for s in (1, -1)]
    quotients = torch.tensor([float(point) for point in points], dtype=torch.float32)
    assert [Fraction(q) for q in quotients.double().tolist()] == points
    codes = reference_numerics.quantise(
        quotients.view(-1, 1), torch.ones(len(points)), value_format
    ).view(torch.uint8)
    for point, code in zip(points, codes.flatten().tolist(), strict=True):
        limit = Fraction(value_format.maximum)
        limited = max(-limit, min(limit, point))
        best = min(
            allowed,
            key=lambda c: (abs(allowed[c] - limited), c & 1, (c & 0x80 != 0) != (point < 0)),
        )
        assert code == best, (float(point), code, best)


@pytest.mark.parametrize("divisor", [448.0, 224.0, 127.0])
def test_one_correction_makes_the_rounded_quotient_by_each_maximum(divisor: float) -> None:
    # What native/numerics.cuh does instead of a division, for every mantissa.
    amax = torch.arange(0x3F800000, 0x40000000, dtype=torch.int32).view(torch.float32)
    reciprocal = torch.tensor(1.0) / torch.tensor(divisor)
    quotient = amax * reciprocal
    fused = reference_numerics.fused_multiply_add
    error = fused(torch.full_like(amax, -divisor), quotient, amax)
    corrected = fused(error, reciprocal.expand_as(amax), quotient)
    assert torch.equal(corrected, amax / torch.full_like(amax, divisor))
