"""Functions and slopes of docs/numerics.md, sections 6 and 7, against float64 and mpmath."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

import mpmath
import pytest
import torch

from bit_patterns import every_pattern, random_patterns, same_bits
from correct_rounding import correctly_rounded, doubtful
from opparity.operators import ELEMENTWISE
from opparity.operators.reference import activations
from opparity.operators.reference.producers import FORMULAS

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    from opparity.operators.declaration import Producer

ROOT = math.sqrt(2.0 / math.pi)


def numbers(*values: float) -> list[Tensor]:
    return [torch.tensor(value, dtype=torch.float32) for value in values]


def precise_tanh_argument(x: mpmath.mpf) -> mpmath.mpf:
    return 2 * mpmath.sqrt(2 / mpmath.pi) * (x + mpmath.mpf("0.044715") * x**3)


@dataclass(frozen=True)
class Function:
    """A function of the contract, what it stands for, and what docs/numerics.md says of its error.

    Attributes:
        errors: pairs of a number and the greatest error above it, in units in the last place, where
            the result is a normal number.
        slope_error: the greatest absolute error of the slope.
        exceptions: float16 and bfloat16 inputs whose result, rounded, is not the correctly rounded
            one.
    """

    name: str
    ours: Callable[[Tensor], Tensor]
    slope: Callable[[Tensor], Tensor]
    float64: Callable[[Tensor], Tensor]
    precise: Callable[[mpmath.mpf], mpmath.mpf]
    errors: tuple[tuple[float, float], ...]
    slope_error: float
    exceptions: tuple[int, int]


def _functions() -> list[Function]:
    alpha, beta, wide = numbers(1.702, 4.0, 25.0)
    a = mpmath.mpf(alpha.item())
    return [
        Function(
            "silu",
            activations.silu,
            activations.silu_slope,
            lambda x: x * torch.sigmoid(x),
            lambda x: x / (1 + mpmath.exp(-x)),
            errors=((-87.0, 4.5),),
            slope_error=1.3e-7,
            exceptions=(1, 128),
        ),
        Function(
            "swish",
            lambda x: activations.swish(x, alpha),
            lambda x: activations.swish_slope(x, alpha),
            lambda x: x * torch.sigmoid(alpha.double() * x),
            lambda x: x / (1 + mpmath.exp(-a * x)),
            errors=((-51.0, 5.0),),
            slope_error=1.3e-7,
            exceptions=(1, 128),
        ),
        Function(
            "gelu",
            activations.gelu,
            activations.gelu_slope,
            lambda x: x * torch.special.erfc(-x * math.sqrt(0.5)) * 0.5,
            lambda x: x * mpmath.erfc(-x / mpmath.sqrt(2)) / 2,
            errors=((-13.0, 7.0),),
            slope_error=1.6e-7,
            exceptions=(2, 128),
        ),
        Function(
            "gelu_tanh",
            activations.gelu_tanh,
            activations.gelu_tanh_slope,
            lambda x: x * torch.sigmoid(2.0 * ROOT * (x + 0.044715 * x**3)),
            lambda x: x / (1 + mpmath.exp(-precise_tanh_argument(x))),
            errors=((-2.0, 6.0), (-4.0, 10.0), (-11.0, 115.0)),
            slope_error=1.3e-7,
            exceptions=(1, 128),
        ),
        Function(
            "soft_limit",
            lambda x: activations.soft_limit(x, wide),
            lambda x: activations.soft_limit_slope(x, wide),
            lambda x: 25.0 * torch.tanh(x / 25.0),
            lambda x: 25 * mpmath.tanh(x / 25),
            errors=((-1e38, 5.0),),
            slope_error=6e-7,
            exceptions=(2, 0),
        ),
        Function(
            "situ",
            lambda x: activations.situ(x, beta),
            lambda x: activations.situ_slope(x, beta),
            lambda x: 4.0 * torch.tanh(x / 4.0) * torch.sigmoid(x),
            lambda x: 4 * mpmath.tanh(x / 4) / (1 + mpmath.exp(-x)),
            errors=((-87.0, 7.0),),
            slope_error=6e-7,
            exceptions=(3, 128),
        ),
    ]


FUNCTIONS = _functions()
every_function = pytest.mark.parametrize("function", FUNCTIONS, ids=lambda f: f.name)


def gates() -> Tensor:
    """Return random bits, and numbers spread where the functions bend."""
    generator = torch.Generator().manual_seed(1)
    spread = [torch.randn(25_000, generator=generator) * width for width in (0.1, 1.0, 4.0, 30.0)]
    found = torch.cat((random_patterns(40_000), *spread))
    return found[found.isfinite()]


def unit_in_the_last_place(exact: Tensor) -> Tensor:
    return torch.exp2(torch.floor(torch.log2(exact.abs())) - 23)


@every_function
def test_the_error_is_what_the_documentation_says(function: Function) -> None:
    x = gates()
    exact = function.float64(x.double())
    is_normal = (exact.abs() >= 2.0**-126) & (exact.abs() < 2.0**127)
    error = (function.ours(x).double() - exact).abs() / unit_in_the_last_place(exact)
    for lowest, ulps in function.errors:
        worst = error[is_normal & (x > lowest)].max().item()
        assert 0.5 * ulps < worst <= ulps, lowest


@every_function
def test_the_slope_is_the_derivative(function: Function) -> None:
    x = gates()
    x = x[x.abs() < 1e30]
    inputs = x.double().requires_grad_()
    (exact,) = torch.autograd.grad(function.float64(inputs).sum(), inputs)
    error = (function.slope(x).double() - exact).abs().max().item()
    assert 0.2 * function.slope_error < error <= function.slope_error


@every_function
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16], ids=["float16", "bfloat16"])
def test_every_16_bit_input_rounds_to_the_correctly_rounded_result_but_for_near_ties(
    function: Function, dtype: torch.dtype
) -> None:
    x = every_pattern(dtype)
    x = x[x.isfinite() & (x != 0)]
    got = function.ours(x.float()).to(dtype)
    wrong = 0
    for place in doubtful(got, function.float64(x.double())):
        value, given = got[place].item(), x[place].item()
        with mpmath.workprec(200):
            exact = function.precise(mpmath.mpf(given))
            best = correctly_rounded(exact, dtype)
            if Fraction(value) == best:
                continue
            wrong += 1
            # The exact result is next to the middle between the two.
            middle = (Fraction(value) + best) / 2
            ulp = 2.0 ** max(math.floor(mpmath.log(abs(exact), 2)) - 23, -149)
            distance = abs(exact - mpmath.mpf(middle.numerator) / middle.denominator)
            assert distance <= function.errors[-1][1] * ulp, (given, value)
    assert wrong == function.exceptions[dtype == torch.bfloat16]


@every_function
def test_special_values_of_the_functions(function: Function) -> None:
    got = function.ours(torch.tensor([0.0, -0.0, math.inf, -math.inf, math.nan]))
    assert same_bits(got[:2], torch.tensor([0.0, -0.0])).all()
    bound = {"soft_limit": 25.0, "situ": 4.0}.get(function.name, math.inf)
    assert got[2].item() == pytest.approx(bound, rel=5e-7)
    below = -25.0 if function.name == "soft_limit" else 0.0
    assert got[3].item() == pytest.approx(below, rel=5e-7)
    assert torch.signbit(got[3])
    assert got[4].isnan()


@every_function
def test_special_values_of_the_slopes(function: Function) -> None:
    got = function.slope(torch.tensor([0.0, -0.0, math.inf, -math.inf, math.nan]))
    is_limit = function.name == "soft_limit"
    assert got[:2].tolist() == ([1.0, 1.0] if is_limit else [0.5, 0.5])
    far_out = 0.0 if function.name in ("soft_limit", "situ") else 1.0
    assert got[2:4].tolist() == pytest.approx([far_out, 0.0], abs=6e-7)
    assert got[4].isnan()


@pytest.mark.parametrize("producer", ELEMENTWISE, ids=lambda p: p.name)
@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_zeros_give_a_zero_and_parameters_at_their_ends_overflow_nowhere(
    producer: Producer, sign: float
) -> None:
    formula = FORMULAS[producer.name]
    x = torch.cat((torch.tensor([0.0, -0.0]), gates()[:20_000]))
    for size in (2.0**-55, 1.0, 2.0**55):
        parameters = numbers(*[size] * len(producer.parameters))
        gate = formula.gate(sign * x, parameters)
        up = x if formula.up is None else formula.up(sign * x, parameters)
        assert (gate * up)[:2].tolist() == [0.0, 0.0]
        assert not gate.isnan().any()
        assert not up.isnan().any()
        if producer.name == "situ_and_mul":
            assert gate.abs().max() <= size * (1 + 1e-6)
        elif producer.name != "relu_squared":
            assert (gate.abs() <= x.abs() * (1 + 1e-6)).all()


def test_each_producer_has_a_formula_and_no_other_exists() -> None:
    assert set(FORMULAS) == {producer.name for producer in ELEMENTWISE}
