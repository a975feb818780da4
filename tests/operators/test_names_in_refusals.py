"""A refusal names the function that was called, whichever operator finds the mistake."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import torch

import opparity
from opparity.errors import OperatorMissing
from opparity.operators import PROVIDERS

if TYPE_CHECKING:
    from collections.abc import Callable

EXPERTS = opparity.Experts.masked(torch.tensor([4, 0], dtype=torch.int32))
OF_EXPERTS = torch.randn(2, 4, 256)


def of_experts(input: torch.Tensor, recipe: str = "mxfp8") -> object:
    return opparity.silu_and_mul(input, recipe, experts=EXPERTS)


def with_columns(recipe: str) -> object:
    return opparity.rows_and_columns(OF_EXPERTS[0], recipe, producer="silu_and_mul")


MISTAKES: dict[str, tuple[Callable[[], object], str]] = {
    "a recipe of experts": (
        lambda: of_experts(OF_EXPERTS, "fp8"),
        "silu_and_mul: recipe is 'fp8'; allowed: fp8_block",
    ),
    "dimensions of experts": (
        lambda: of_experts(OF_EXPERTS[0]),
        "silu_and_mul: input has 2 dimensions; allowed: 3, [num_experts, num_tokens, width]",
    ),
    "quantised experts": (
        lambda: opparity.quantize(OF_EXPERTS[0], "mxfp8", experts=EXPERTS),
        "quantize: input has 2 dimensions; allowed: 3",
    ),
    "a gradient of experts": (
        lambda: of_experts(OF_EXPERTS.clone().requires_grad_()),
        "silu_and_mul: a tensor requires grad and an operator of experts has no gradient",
    ),
    "vmap of experts": (
        lambda: torch.vmap(of_experts)(torch.stack([OF_EXPERTS, OF_EXPERTS])),
        "silu_and_mul: it is called under torch.vmap; allowed: operators of all rows alone",
    ),
    "a recipe of columns": (
        lambda: with_columns("fp8_token"),
        "rows_and_columns: recipe is 'fp8_token' with columns; allowed: values of eight bits",
    ),
    "a bound of columns": (
        lambda: opparity.rows_and_columns(OF_EXPERTS[0], "fp8_block", scale_ub=-1.0),
        "rows_and_columns: scale_ub is -1; allowed: a number above 0",
    ),
    "a width by blocks": (
        lambda: opparity.silu_and_mul_per_block_quant(torch.ones(2, 3)),
        "silu_and_mul_per_block_quant: input is 3 wide; allowed: an even width",
    ),
    "an input by blocks that is none": (
        lambda: opparity.silu_and_mul_per_block_quant(None),  # type: ignore[arg-type]
        "silu_and_mul_per_block_quant: input is None; allowed: a tensor",
    ),
}


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize("mistake", MISTAKES)
def test_the_function_is_named_and_not_its_operator(mistake: str, provider: str) -> None:
    call, words = MISTAKES[mistake]
    with opparity.providers(force=provider), pytest.raises(RuntimeError) as caught:
        call()
    assert str(caught.value).startswith(words)


def test_an_unknown_number_names_the_function() -> None:
    with pytest.raises(TypeError, match=r"^rows_and_columns\(\) got an unexpected keyword"):
        opparity.rows_and_columns(OF_EXPERTS[0], "mxfp8", limit=1.0)


def test_where_nobody_serves_the_function_is_named() -> None:
    with opparity.providers(forbid=PROVIDERS), pytest.raises(OperatorMissing) as caught:
        of_experts(OF_EXPERTS)
    assert str(caught.value).startswith("silu_and_mul has no implementation left on cpu: native")


def test_an_error_of_another_kind_stays_as_it_is() -> None:
    def fail() -> None:
        raise RuntimeError("silu_and_mul_experts is out of memory")

    from opparity.operators.refusal import call_as  # noqa: PLC0415 -- no function of the package

    with pytest.raises(RuntimeError, match=r"^silu_and_mul_experts is out of memory$"):
        call_as("silu_and_mul", "silu_and_mul_experts", fail)
