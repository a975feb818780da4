"""Forward: products, their values and scales, and what those stand for."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torch.nn.functional import pad

from opparity.formats import Intermediate, ScaleRule
from opparity.operators.reference import scales as scale_rules
from opparity.operators.reference import values as value_formats
from opparity.operators.reference.norms import ROW_FORMULAS, Beside, produce_rows
from opparity.operators.reference.numerics import magnitude_maximum, rounded
from opparity.operators.reference.producers import FORMULAS
from opparity.operators.reference.slices import by_rows

if TYPE_CHECKING:
    from collections.abc import Sequence

    from opparity.formats import Recipe
    from opparity.operators.declaration import Producer


def compute(
    input: Tensor,
    producer: Producer,
    parameters: Sequence[float],
    recipe: Recipe,
    *,
    intermediate: Intermediate = Intermediate.FLOAT32,
    interleaved: bool = False,
    beside: Beside | None = None,
    row_weights: Tensor | None = None,
    scale: Tensor | None = None,
    scale_ub: Tensor | None = None,
    least: float | None = None,
) -> tuple[Tensor, Tensor | None]:
    """Return an operator's values and scales, as `produce` and `quantise` do.

    In between each row's products are multiplied by its weight, if there are weights.
    """
    given = beside or Beside()
    others = {
        name: tensor
        for name, tensor in (
            ("gate", given.gate),
            ("residual", given.residual),
            ("row_weights", row_weights),
        )
        if tensor is not None
    }

    def rows(part: Tensor, *parts: Tensor) -> tuple[Tensor, Tensor | None]:
        sliced: dict[str, Any] = dict(zip(others, parts, strict=True))
        weights: Tensor | None = sliced.pop("row_weights", None)
        products = produce(
            part,
            producer,
            parameters,
            intermediate=intermediate,
            interleaved=interleaved,
            beside=replace(given, **sliced),
        )
        if weights is not None:
            products = products * weights[:, None]
        return quantise(
            products, recipe, dtype=input.dtype, scale=scale, scale_ub=scale_ub, least=least
        )

    values, scales = by_rows(rows, input, *others.values())
    assert values is not None
    return values, scales


def produce(
    input: Tensor,
    producer: Producer,
    parameters: Sequence[float] = (),
    *,
    intermediate: Intermediate = Intermediate.FLOAT32,
    interleaved: bool = False,
    beside: Beside | None = None,
) -> Tensor:
    """Return what a producer makes of its input, as float32 [num_tokens, hidden_size].

    Args:
        input: [num_tokens, hidden_size], twice as wide where the producer is gated; float16,
            bfloat16 or float32.
        producer: a row of the table.
        parameters: the producer's, in its order.
        intermediate: where the input's dtype is rounded to.
        interleaved: whether gate and up alternate, gate first, instead of standing in halves.
        beside: what a producer that reduces has beside its input.
    """
    numbers = parameter_tensors(parameters, input)
    if producer.reduces:
        row_formula = ROW_FORMULAS[producer.name]
        return produce_rows(input, row_formula, numbers, beside or Beside(), intermediate)
    formula = FORMULAS[producer.name]
    rounds_parts = intermediate is Intermediate.INPUT_DTYPE

    def through(x: Tensor, *, rounds: bool) -> Tensor:
        return rounded(x, input.dtype).float() if rounds else x

    if not producer.gated:
        product = formula.gate(input.float(), numbers)
        return through(product, rounds=intermediate is not Intermediate.FLOAT32)
    gate, up = gate_and_up(input, interleaved=interleaved)
    gate = through(formula.gate(gate, numbers), rounds=rounds_parts)
    if formula.up is not None:
        up = through(formula.up(up, numbers), rounds=rounds_parts)
    return through(gate * up, rounds=intermediate is not Intermediate.FLOAT32)


def quantise(
    products: Tensor,
    recipe: Recipe,
    *,
    dtype: torch.dtype = torch.float32,
    scale: Tensor | None = None,
    scale_ub: Tensor | None = None,
    least: float | None = None,
) -> tuple[Tensor, Tensor | None]:
    """Return values and scales of products [num_tokens, hidden_size].

    Args:
        products: float32.
        recipe: any.
        dtype: of the values where the recipe quantises nothing.
        scale: the tensor's or NVFP4's global one, a float32 tensor of one element.
        scale_ub: the upper bound of scales by the rule AMAX, as `scale`.
        least: the lower clamp of scales by AMAX, in place of the format's; of the largest magnitude
            by the other rules.

    Returns:
        Values [num_tokens, hidden_size], two in a byte for codes of four bits; scales
        [num_tokens, num_groups], float32 numbers or uint8 codes, None where none are computed.
    """
    value_format = recipe.format
    if value_format is None:
        return rounded(products, dtype), None
    if recipe.rule is ScaleRule.GIVEN:
        assert scale is not None
        return value_formats.encode(
            products * scale_rules.given_factor(scale.reshape(())), value_format
        ), None
    group_size = recipe.group_in(products.shape[1])
    groups = in_groups(products, group_size)
    settings = scale_rules.Settings(
        scale=None if scale is None else scale.reshape(()),
        scale_ub=None if scale_ub is None else scale_ub.reshape(()),
        least=least,
    )
    scales = scale_rules.group_scales(magnitude_maximum(groups), recipe, settings)
    factors = of_elements(scales.factor, group_size, products.shape[1])
    return value_formats.encode(products * factors, value_format), scales.stored


def dequantise(
    values: Tensor,
    scales: Tensor | None,
    recipe: Recipe,
    hidden_size: int,
    *,
    scale: Tensor | None = None,
) -> Tensor:
    """Return what values and scales stand for, as float32 [num_tokens, hidden_size].

    Args:
        values: as `quantise` returns them.
        scales: [num_tokens, num_groups] as `quantise` returns them.
        recipe: any.
        hidden_size: width of the result.
        scale: the tensor's or NVFP4's global one, a float32 tensor of one element.
    """
    value_format = recipe.format
    if value_format is None:
        return values.float()
    numbers = value_formats.decode(values, value_format)
    if recipe.rule is ScaleRule.GIVEN:
        assert scale is not None
        return numbers * scale.reshape(())
    assert scales is not None
    multipliers = scale_rules.numbers(scales, recipe, None if scale is None else scale.reshape(()))
    return numbers * of_elements(multipliers, recipe.group_in(hidden_size), hidden_size)


def parameter_tensors(parameters: Sequence[float], input: Tensor) -> list[Tensor]:
    """Return parameters rounded to float32, on the input's device."""
    return [torch.tensor(number, dtype=torch.float32, device=input.device) for number in parameters]


def gate_and_up(input: Tensor, *, interleaved: bool) -> tuple[Tensor, Tensor]:
    """Return both halves of a gated producer's input as float32."""
    if interleaved:
        return input[:, ::2].float(), input[:, 1::2].float()
    gate, up = input.float().chunk(2, dim=-1)
    return gate, up


def in_groups(products: Tensor, group_size: int) -> Tensor:
    """Return [num_tokens, num_groups, group_size]; a short last group is filled with zeros."""
    filled: Tensor = pad(products, (0, -products.shape[1] % group_size))
    groups: Tensor = filled.unflatten(-1, (-1, group_size))
    return groups


def of_elements(of_groups: Tensor, group_size: int, hidden_size: int) -> Tensor:
    """Return each group's number for each of its elements."""
    return of_groups.repeat_interleave(group_size, dim=-1)[:, :hidden_size]
