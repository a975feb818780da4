"""Calling an operator of the table, and comparing bytes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from opparity import load, providers
from opparity.formats import ExpertLayout, Recipe, accepted_recipes
from opparity.operators import OPERATORS
from opparity.operators.case import Case, given_scale
from opparity.operators.case_calls import call, outputs
from opparity.operators.expert_cases import NUM_TOKENS
from opparity.operators.fillings import Filling
from opparity.operators.gradients import overload_of

if TYPE_CHECKING:
    from collections.abc import Iterator

load()
BY_NAME = {operator.qualified_name: operator for operator in OPERATORS}
OPERATOR = torch.ops.opparity.silu_and_mul_per_block_quant
CPU = torch.device("cpu")

INPUT_DTYPES = (torch.float16, torch.bfloat16, torch.float32)
VALUE_DTYPES = (torch.float8_e4m3fn, torch.float8_e4m3fnuz, torch.float8_e5m2, torch.int8)
INTERMEDIATES = ("float32", "input_dtype", "product")


def run_case(provider: str, case: Case, device: torch.device = CPU) -> tuple[Tensor, ...]:
    """Return values, scales and any sum of one provider's call; outputs start poisoned."""
    with providers(force=provider):
        return call(case, BY_NAME[case.operator], device)


def assert_same_case(case: Case, providers_compared: tuple[str, ...] = ("native",)) -> None:
    """Fail where a provider's result differs from the reference's in any byte."""
    expected = run_case("reference", case)
    for provider in providers_compared:
        got = run_case(provider, case)
        for one, other in zip(got, expected, strict=True):
            assert_same_bytes(one, other)


def good_arguments(name: str, recipe: Recipe | None = None) -> dict[str, Any]:
    """Return arguments that an operator takes, by name; outputs are poisoned.

    3 tokens of 128 values, and of experts 48; groups of 64 where nothing else is asked for.
    """
    operator = BY_NAME[name]
    chosen = recipe or accepted_recipes()[operator.recipe or "fp8_block_64"]
    experts = (operator.experts or ExpertLayout.MASKED) if operator.has_experts else None
    case = Case(
        name,
        Filling.ACTIVATIONS,
        3 if experts is None else NUM_TOKENS,
        128,
        "bfloat16",
        chosen,
        scale=given_scale(chosen),
        experts=experts,
    )
    return {**case.arguments(operator, CPU), **outputs(case, operator, CPU)}


def run(name: str, arguments: dict[str, Any]) -> Any:  # noqa: ANN401 -- what an operator returns
    """Call an operator by its qualified name."""
    return overload_of(BY_NAME[name])(**arguments)


def quantise(
    provider: str,
    input: Tensor,
    group_size: int,
    *,
    dtype: torch.dtype = torch.float8_e4m3fn,
    scale_ub: float | None = None,
    intermediate: str = "float32",
    is_scale_transposed: bool = False,
) -> tuple[Tensor, Tensor]:
    """Return values and scales [num_tokens, num_groups] of silu_and_mul_per_block_quant."""
    num_tokens, hidden_size = input.shape[0], input.shape[1] // 2
    num_groups = -(-hidden_size // group_size)
    out = torch.full((num_tokens, hidden_size), 0x55, dtype=torch.uint8, device=input.device)
    shape = (num_groups, num_tokens) if is_scale_transposed else (num_tokens, num_groups)
    scales = torch.full(shape, -1.0, device=input.device)
    bound = None if scale_ub is None else torch.tensor(scale_ub, device=input.device)
    with providers(force=provider):
        OPERATOR.intermediate(
            out.view(dtype), input, scales, group_size, bound, is_scale_transposed, intermediate
        )
    return out.view(dtype), scales.t() if is_scale_transposed else scales


def bytes_of(tensor: Tensor) -> Tensor:
    """Return a tensor's bytes on the CPU; FP8 tensors cannot be compared everywhere."""
    return tensor.cpu().flatten().clone(memory_format=torch.contiguous_format).view(torch.uint8)


def assert_same_bytes(got: Tensor, expected: Tensor) -> None:
    """Fail with the first element that differs, in shape, dtype or any bit."""
    assert got.shape == expected.shape
    assert got.dtype == expected.dtype
    different = (bytes_of(got) != bytes_of(expected)).view(-1, got.element_size()).any(dim=1)
    places = different.nonzero().flatten()
    for place in _first(places):
        left, right = (bytes_of(x).view(-1, x.element_size())[place] for x in (got, expected))
        raise AssertionError(
            f"{len(places)} of {got.numel()} elements differ; the first is number {place}: "
            f"bytes {left.tolist()}, expected {right.tolist()}"
        )


def _first(places: Tensor) -> Iterator[int]:
    if len(places):
        yield int(places[0])


def every_pattern(dtype: torch.dtype) -> Tensor:
    """Return all 65,536 numbers of a 16-bit dtype."""
    return torch.arange(1 << 16, dtype=torch.int32).to(torch.int16).view(dtype)
