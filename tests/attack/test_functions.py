"""Random calls of the public functions: answered, or refused in words, and nothing changes."""

from __future__ import annotations

import pytest
import torch

import opparity
from attack.functions import NAMES, objection
from opparity.errors import ArgumentRefused

CALLS_OF_EACH = 60


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("place", range(len(NAMES)), ids=NAMES)
def test_random_calls_of_a_function_are_answered_or_refused_in_words(place: int) -> None:
    numbers = range(place, CALLS_OF_EACH * len(NAMES), len(NAMES))
    assert [found for number in numbers if (found := objection(number))] == []


def test_an_error_that_says_nothing_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    place = NAMES.index("tensor_scale")

    def scale(tensor: torch.Tensor, recipe: str) -> torch.Tensor:
        del recipe
        return tensor.no_such_attribute  # type: ignore[attr-defined,no-any-return]

    monkeypatch.setattr(opparity, "tensor_scale", scale)
    assert "AttributeError" in objection(place)


# A float32 number holds 2**70; no float does 2**2000.
@pytest.mark.parametrize("number", [2**70, -(2**70), 2**2000, -(2**2000)])
def test_a_bound_that_is_large_bounds_nothing_and_one_below_zero_is_refused(number: int) -> None:
    input = torch.ones(2, 64)
    if number < 0:
        with pytest.raises(ArgumentRefused, match="scale_ub is"):
            opparity.quantize(input, "fp8_block", scale_ub=number)
        return
    found = opparity.quantize(input, "fp8_block", scale_ub=number)
    assert torch.equal(found.scales, opparity.quantize(input, "fp8_block").scales)


def test_a_scale_is_computed_with_or_refused_where_no_float32_number_holds_it() -> None:
    input = torch.ones(2, 64)
    found = opparity.quantize(input, "fp8_tensor", scale=2**70)
    assert found.scales.item() == 2.0**70
    with pytest.raises(RuntimeError, match="scale is inf; allowed: a finite number"):
        opparity.quantize(input, "fp8_tensor", scale=2**2000)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: opparity.tensor_scale(1.0, "fp8_tensor"), "tensor is of type float"),  # type: ignore[arg-type]
        (lambda: opparity.dequantize(None, torch.ones(1), "mxfp8"), "values is None"),  # type: ignore[arg-type]
        (lambda: opparity.dequantize(torch.ones(1), [1], "mxfp8"), "scales is of type list"),  # type: ignore[arg-type]
        (lambda: opparity.rms_norm(torch.ones(2, 4), 1.0), "weight is of type float"),  # type: ignore[call-overload]
    ],
)
def test_what_is_no_tensor_is_refused_in_words(call: object, words: str) -> None:
    with pytest.raises(ArgumentRefused, match=f"{words}; allowed: a tensor"):
        call()  # type: ignore[operator]
