"""Backward: the gradient of a producer's input (docs/numerics.md, section 7)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from opparity.formats import Intermediate
from opparity.operators.reference.numerics import rounded
from opparity.operators.reference.producers import FORMULAS
from opparity.operators.reference.quantisation import gate_and_up, parameter_tensors, quantise
from opparity.operators.reference.slices import by_rows

if TYPE_CHECKING:
    from collections.abc import Sequence

    from opparity.formats import Recipe
    from opparity.operators.declaration import Producer


def backward(
    gradient: Tensor,
    input: Tensor,
    producer: Producer,
    parameters: Sequence[float] = (),
    *,
    interleaved: bool = False,
) -> Tensor:
    """Return the gradient of the input, in its shape and dtype.

    Args:
        gradient: of the product, [num_tokens, hidden_size], in the input's dtype or float32.
        input: as `produce` takes it.
        producer: a row of the table.
        parameters: the producer's, in its order.
        interleaved: whether gate and up alternate.
    """

    def rows(incoming: Tensor, part: Tensor) -> tuple[Tensor]:
        found = differentiate(incoming, part, producer, parameters, interleaved=interleaved)
        return (rounded(found, input.dtype),)

    (result,) = by_rows(rows, gradient, input)
    assert result is not None
    return result


def differentiate(
    gradient: Tensor,
    input: Tensor,
    producer: Producer,
    parameters: Sequence[float] = (),
    *,
    interleaved: bool = False,
) -> Tensor:
    """Return the gradient that `backward` rounds, as float32."""
    formula = FORMULAS[producer.name]
    numbers = parameter_tensors(parameters, input)
    of_product = gradient.float()
    if not producer.gated:
        return of_product * formula.gate_slope(input.float(), numbers)
    gate, up = gate_and_up(input, interleaved=interleaved)
    of_up = of_product * formula.gate(gate, numbers)
    of_gate = of_product * (up if formula.up is None else formula.up(up, numbers))
    of_gate = of_gate * formula.gate_slope(gate, numbers)
    if formula.up_slope is not None:
        of_up = of_up * formula.up_slope(up, numbers)
    return torch.stack((of_gate, of_up), dim=-1 if interleaved else 1).flatten(1)


def quantise_gradient(
    gradient: Tensor,
    input: Tensor,
    producer: Producer,
    parameters: Sequence[float],
    recipe: Recipe,
    *,
    intermediate: Intermediate = Intermediate.FLOAT32,
    interleaved: bool = False,
    scale: Tensor | None = None,
    scale_ub: Tensor | None = None,
    least: float | None = None,
    turns: bool = False,
) -> tuple[Tensor, Tensor | None]:
    """Return values and scales of the input's gradient, as `quantise` does; of its columns too.

    Args:
        gradient: as `backward` takes it.
        input: likewise.
        producer: likewise.
        parameters: likewise.
        recipe: as `quantise` takes it.
        intermediate: whether the gradient is rounded to the input's dtype first.
        interleaved: whether gate and up alternate.
        scale: as `quantise` takes it.
        scale_ub: likewise.
        least: likewise.
        turns: whether columns are quantised, as the rows of the transposed gradient.
    """

    def rows(incoming: Tensor, part: Tensor) -> tuple[Tensor]:
        found = differentiate(incoming, part, producer, parameters, interleaved=interleaved)
        if intermediate is not Intermediate.FLOAT32:
            found = rounded(found, input.dtype).float()
        return (found,)

    def codes(incoming: Tensor, part: Tensor) -> tuple[Tensor, Tensor | None]:
        return quantise(*rows(incoming, part), recipe, scale=scale, scale_ub=scale_ub, least=least)

    if turns:
        (whole,) = by_rows(rows, gradient, input)
        assert whole is not None
        return quantise(whole.t().contiguous(), recipe, scale_ub=scale_ub, least=least)
    values, scales = by_rows(codes, gradient, input)
    assert values is not None
    return values, scales
