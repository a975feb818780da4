from __future__ import annotations

import re
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import mpmath
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from bit_patterns import every_pattern, random_patterns
from correct_rounding import correctly_rounded, doubtful
from opparity.formats import group_recipe
from opparity.operators import numerics
from opparity.operators.reference.activations import silu
from opparity.operators.reference.numerics import (
    fused_multiply_add,
    magnitude_maximum,
    reciprocal,
)
from opparity.operators.reference.scales import Settings, group_scales

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

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
    got = fused_multiply_add(*(torch.tensor([float(x)], dtype=torch.float32) for x in (a, b, c)))
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
    got = fused_multiply_add(*(torch.tensor([x]) for x in (a, b, c)))
    assert got.item() == nearest_float32(exact)


def nearest_in(dtype: torch.dtype, values: list[float]) -> list[float]:
    return torch.tensor(values, dtype=torch.float64).to(torch.float32).to(dtype).double().tolist()


@pytest.mark.parametrize(
    ("dtype", "exceptions"),
    [(torch.float16, 1), (torch.bfloat16, 128)],
    ids=["float16", "bfloat16"],
)
def test_silu_of_every_gate_rounds_to_the_correctly_rounded_one_but_for_ties_of_float32(
    dtype: torch.dtype, exceptions: int
) -> None:
    gates = every_pattern(dtype)
    gates = gates[gates.isfinite() & (gates != 0)]
    got = silu(gates.float()).to(dtype)
    wrong = []
    for place in doubtful(got, gates.double() * torch.sigmoid(gates.double())):
        gate, value = gates[place].item(), got[place].item()
        with mpmath.workprec(200):
            exact = mpmath.mpf(gate) / (1 + mpmath.exp(-mpmath.mpf(gate)))
            if Fraction(value) != correctly_rounded(exact, dtype):
                wrong.append((gate, value, correctly_rounded(exact, torch.float32)))
    # Where the two differ, the float32 number next to SiLU is half the gate, which lies in the
    # middle of two numbers of the type: the best float32 SiLU that there is rounds as this one.
    for gate, value, in_float32 in wrong:
        assert in_float32 == Fraction(gate) / 2
        assert nearest_in(dtype, [gate / 2]) == [value]
    assert len(wrong) == exceptions  # stated in docs/numerics.md


def test_silu_keeps_the_sign_of_zero_nan_and_the_limits_at_infinity() -> None:
    gates = torch.tensor([0.0, -0.0, float("inf"), float("-inf"), float("nan"), -1e30, -200.0])
    got = silu(gates)
    assert got[:2].tolist() == [0.0, -0.0]
    assert torch.signbit(got).tolist()[:4] == [False, True, False, True]
    assert got[2].item() == float("inf")
    assert got[3].item() == 0.0
    assert got[4].isnan()
    assert got[5:].tolist() == [0.0, 0.0]
    assert torch.signbit(got[5:]).all()


def test_the_error_of_silu_is_below_five_units_in_the_last_place() -> None:
    # The worst found among 18 million gates; half of these lay between -88 and 0.
    worst = torch.tensor([float.fromhex("-0x1.b0d60cp+2")])
    gates = torch.cat((random_patterns(200_000), worst))
    gates = gates[gates.abs() < 87.0]  # beyond, results are subnormal
    got = silu(gates).double()
    exact = gates.double() / (1.0 + torch.exp(-gates.double()))
    step = torch.exp2(torch.floor(torch.log2(exact.abs())) - 23)
    error = ((got - exact).abs() / step)[exact.abs() > 2.0**-126]
    assert error.max().item() == error[-1].item()
    assert error[-1].item() == pytest.approx(4.49, abs=0.005)  # stated in docs/numerics.md


def test_the_quotient_by_a_reciprocal_is_within_two_units_in_the_last_place() -> None:
    generator = torch.Generator().manual_seed(0)
    products = torch.randn(2048, 128, generator=generator)
    scales = group_scales(magnitude_maximum(products), group_recipe(), Settings()).stored[:, None]
    quotient = products * reciprocal(scales)
    exact = products.double() / scales.double()
    step = torch.exp2(torch.floor(torch.log2(exact.abs())) - 23)
    assert 1.0 < ((quotient.double() - exact).abs() / step).max().item() < 2.0


def precise(coefficients: Sequence[float], x: mpmath.mpf) -> mpmath.mpf:
    return mpmath.polyval([mpmath.mpf(c) for c in reversed(coefficients)], x)


def exp2_ratio(x: mpmath.mpf) -> mpmath.mpf:
    return precise(numerics.EXP2_COEFFICIENTS, x) / mpmath.power(2, x)


def tangent_ratio(v: mpmath.mpf) -> mpmath.mpf:
    quotient = precise(numerics.TANGENT_TOP, v * v) / precise(numerics.TANGENT_BOTTOM, v * v)
    return quotient * v / mpmath.tanh(v) if v else quotient


def normal_ratio(a: mpmath.mpf) -> mpmath.mpf:
    quotient = precise(numerics.GELU_TOP, a) / precise(numerics.GELU_BOTTOM, a)
    power = mpmath.power(2, mpmath.mpf(numerics.GELU_SQUARE) * a * a)
    return quotient * power / (mpmath.erfc(a / mpmath.sqrt(2)) / 2)


@pytest.mark.parametrize(
    ("ratio", "lowest", "highest", "bound"),
    [
        (exp2_ratio, -0.5, 0.5, 9.4e-8),
        (tangent_ratio, 0.0, numerics.TANGENT_EDGE, 2.4e-8),
        (normal_ratio, 0.0, -numerics.GELU_LIMIT, 1.8e-8),
    ],
    ids=["exp2", "tangent", "normal"],
)
def test_the_relative_errors_of_polynomials_are_what_their_comments_say(
    ratio: Callable[[mpmath.mpf], mpmath.mpf], lowest: float, highest: float, bound: float
) -> None:
    points = [lowest + (highest - lowest) * mpmath.mpf(i) / 1000 for i in range(1001)]
    worst = max(abs(ratio(point) - 1) for point in points)
    assert 0.8 * bound < worst < bound


def nearest(exact: mpmath.mpf) -> float:
    return float(np.float32(float(exact)))


def test_constants_are_the_nearest_numbers_to_what_they_are_named_after() -> None:
    with mpmath.workprec(200):
        log2_e = 1 / mpmath.log(2)
        rest = log2_e - mpmath.mpf(numerics.LOG2_E_HIGH) - mpmath.mpf(numerics.LOG2_E_LOW)
        assert abs(rest) < mpmath.mpf(2) ** -51
        rate = 2 * mpmath.sqrt(2 / mpmath.pi)
        cubic = rate * mpmath.mpf("0.044715")
        assert nearest(rate * log2_e) == numerics.GELU_LINEAR
        assert nearest(cubic * log2_e) == numerics.GELU_CUBIC
        assert nearest(rate) == numerics.SLOPE_LINEAR
        assert nearest(3 * cubic) == numerics.SLOPE_CUBIC
        assert nearest(-log2_e / 2) == numerics.GELU_SQUARE
        assert nearest(1 / mpmath.sqrt(2 * mpmath.pi)) == numerics.DENSITY


# C++ has one constant for each coefficient, named after the list and the degree.
NAMES_IN_CPP = {
    "LOG2_E_HIGH": "kLog2EHigh",
    "LOG2_E_LOW": "kLog2ELow",
    "ROUNDING_SHIFT": "kRoundingShift",
    "EXP2_COEFFICIENTS": "kExp2Coefficient",
    "GATE_LIMIT": "kGateLimit",
    "SCALING": "kScaling",
    "TANGENT_EDGE": "kTangentEdge",
    "TANGENT_TOP": "kTangentTop",
    "TANGENT_BOTTOM": "kTangentBottom",
    "GELU_TANH_LIMIT": "kGeluTanhLimit",
    "GELU_LINEAR": "kGeluLinear",
    "GELU_CUBIC": "kGeluCubic",
    "SLOPE_LINEAR": "kSlopeLinear",
    "SLOPE_CUBIC": "kSlopeCubic",
    "GELU_LIMIT": "kGeluLimit",
    "GELU_SQUARE": "kGeluSquare",
    "GELU_TOP": "kGeluTop",
    "GELU_BOTTOM": "kGeluBottom",
    "DENSITY": "kDensity",
}


def test_the_headers_for_cpp_have_the_constants_of_the_contract() -> None:
    expected: dict[str, float] = {}
    for name, in_cpp in NAMES_IN_CPP.items():
        value = getattr(numerics, name)
        if isinstance(value, tuple):
            expected |= {f"{in_cpp}{degree}": number for degree, number in enumerate(value)}
        else:
            expected[in_cpp] = value
    found = {}
    for header in ("exponential.h", "tangent.h", "gelu.h"):
        text = (SOURCE / "native" / "contract" / header).read_text("utf-8")
        for name, number in re.findall(r"^constexpr float (k\w+) = (\S+)f;", text, re.MULTILINE):
            found[name] = float.fromhex(number) if "0x" in number else float(number)
    assert found == expected


def test_every_constant_is_a_float32_number() -> None:
    for name in NAMES_IN_CPP:
        value = getattr(numerics, name)
        for number in value if isinstance(value, tuple) else (value,):
            assert float(np.float32(number)) == number, name


@pytest.mark.parametrize("divisor", [448.0, 224.0, 57344.0, 127.0])
def test_one_correction_makes_the_rounded_quotient_by_each_maximum(divisor: float) -> None:
    # What GPUs do instead of a division, for every mantissa.
    amax = torch.arange(0x3F800000, 0x40000000, dtype=torch.int32).view(torch.float32)
    inverse = reciprocal(torch.tensor(divisor))
    quotient = amax * inverse
    fused = fused_multiply_add
    error = fused(torch.full_like(amax, -divisor), quotient, amax)
    corrected = fused(error, inverse, quotient)
    assert torch.equal(corrected, amax / torch.full_like(amax, divisor))
