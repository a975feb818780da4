"""Backward: the gradient of a producer's input (docs/numerics.md, section 7)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from opparity.operators.reference.numerics import rounded
from opparity.operators.reference.producers import FORMULAS
from opparity.operators.reference.quantisation import gate_and_up, parameter_tensors
from opparity.operators.reference.slices import by_rows

if TYPE_CHECKING:
    from collections.abc import Sequence

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
    formula = FORMULAS[producer.name]
    numbers = parameter_tensors(parameters, input)

    def ungated(incoming: Tensor, part: Tensor) -> tuple[Tensor]:
        slope = formula.gate_slope(part.float(), numbers)
        return (rounded(incoming.float() * slope, input.dtype),)

    def gated(incoming: Tensor, part: Tensor) -> tuple[Tensor]:
        gate, up = gate_and_up(part, interleaved=interleaved)
        of_product = incoming.float()
        of_up = of_product * formula.gate(gate, numbers)
        of_gate = of_product * (up if formula.up is None else formula.up(up, numbers))
        of_gate = of_gate * formula.gate_slope(gate, numbers)
        if formula.up_slope is not None:
            of_up = of_up * formula.up_slope(up, numbers)
        both = rounded(torch.stack((of_gate, of_up), dim=-1 if interleaved else 1), input.dtype)
        return (both.flatten(1),)

    (result,) = by_rows(gated if producer.gated else ungated, gradient, input)
    assert result is not None
    return result
