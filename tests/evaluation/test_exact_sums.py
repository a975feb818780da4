from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
import torch
from torch.nn import functional

from opparity.errors import EvaluationRefused
from opparity.evaluation import exact_sums
from opparity.evaluation.language_model import Configuration, rotary_angles

SHAPE = (2, 3, 40, 32)


def random(*shape: int, seed: int = 1) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def test_attention_is_torchs_up_to_its_steps() -> None:
    query, key, value = (random(*SHAPE, seed=seed) for seed in (1, 2, 3))
    expected = functional.scaled_dot_product_attention(
        query.double(), key.double(), value.double(), is_causal=True
    )
    error = (exact_sums.attention(query, key, value) - expected).abs().max()
    # A power is right to half a step of its exponent, 2**-11 of itself.
    assert 1e-6 < error < 2**-11 * value.abs().max() * 2


def test_logits_are_the_sums_of_fractions_rounded_once() -> None:
    hidden, weight = random(3, 20), random(5, 20, seed=2) / 50
    found = exact_sums.logits(hidden, weight)
    step = Fraction(2) ** (math.frexp(float(weight.abs().max()))[1] - 20)
    for token in range(3):
        for row in range(5):
            total = sum(
                round(Fraction(left) * 4096) * Fraction(1, 4096) * round(Fraction(right) / step)
                for left, right in zip(hidden[token].tolist(), weight[row].tolist(), strict=True)
            )
            exact = total * step
            assert Fraction(float(exact)) == exact
            assert found[token, row].item() == float(np.float32(float(exact)))


def test_the_order_of_sums_changes_no_bit() -> None:
    # Large and small numbers, so that sums of float32 would differ.
    hidden, weight = random(7, 256) * 200, random(256, 256, seed=2)
    order = torch.randperm(256, generator=torch.Generator().manual_seed(5))
    found = exact_sums.logits(hidden, weight)
    assert torch.equal(found, exact_sums.logits(hidden[:, order], weight[:, order]))
    plain = functional.linear(hidden, weight)
    assert not torch.equal(plain, functional.linear(hidden[:, order], weight[:, order]))
    query, key, value = (random(*SHAPE, seed=seed) * 10 for seed in (1, 2, 3))
    order = order[order < SHAPE[-1]]
    turned = exact_sums.attention(query[..., order], key[..., order], value)
    assert torch.equal(exact_sums.attention(query, key, value), turned)


def test_sums_of_the_largest_numbers_are_exact() -> None:
    largest = 1023.99976
    hidden, weight = torch.full((1, 2048), largest), torch.full((1, 2048), 0.9999990463256836)
    expected = Fraction(largest).limit_denominator(4096) * Fraction(0.9999990463256836) * 2048
    assert exact_sums.logits(hidden, weight).item() == float(np.float32(float(expected)))


def test_every_power_is_far_from_the_middle_between_two() -> None:
    powers = exact_sums._powers(torch.device("cpu"))
    for number, power in enumerate(powers.tolist()):
        exact = math.exp(-number / 1024) * 2**20
        # An exponential of float64 is right to 2**-31 here.
        assert abs(exact - power) < 0.5 - 2**-20
    assert powers[0] == 2**20
    assert powers[-1] == 0


def test_sines_and_cosines_do_not_depend_on_the_library() -> None:
    angles = rotary_angles(Configuration())
    for function in (torch.cos, torch.sin):
        table = function(angles).float()
        for error in (-(2.0**-51), 2.0**-51):
            # What a power that errs by two units, and a sine by two more, would make of it. The
            # first frequency is 1, which is exact.
            changed = angles * (1 + error)
            changed[:, :: angles.shape[1] // 2] = angles[:, :: angles.shape[1] // 2]
            other = function(changed) * (1 + error)
            assert torch.equal(other.float(), table)


@pytest.mark.parametrize("number", [1025.0, float("nan"), float("inf")])
def test_numbers_beyond_the_steps_are_refused(number: float) -> None:
    query, key, value = (random(*SHAPE, seed=seed) for seed in (1, 2, 3))
    value[1, 2, 3, 4] = number
    with pytest.raises(EvaluationRefused, match="take numbers up to 1024; evaluate"):
        exact_sums.attention(query, key, value)
    with pytest.raises(EvaluationRefused, match="take numbers up to 1024; evaluate"):
        exact_sums.logits(value, random(5, 32))


def test_sums_of_too_many_products_are_refused() -> None:
    with pytest.raises(EvaluationRefused, match="sum of 2049 products of 42 bits is not exact"):
        exact_sums.logits(torch.zeros(1, 2049), torch.ones(1, 2049))
    wide = torch.zeros(1, 1, 2, 1024)
    with pytest.raises(
        EvaluationRefused, match="sum of 1024 products of 44 bits is not exact; 512"
    ):
        exact_sums.attention(wide, wide, wide)
