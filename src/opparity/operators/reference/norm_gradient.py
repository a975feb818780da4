"""Backward of producers that reduce: numerics.md, section 12."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from opparity.operators.numerics import COLUMN_ACCUMULATORS
from opparity.operators.reference.norms import ROW_FORMULAS, Beside
from opparity.operators.reference.numerics import fused_multiply_add, reciprocal, rounded
from opparity.operators.reference.quantisation import parameter_tensors
from opparity.operators.reference.rows import dot_product

if TYPE_CHECKING:
    from collections.abc import Sequence

    from opparity.operators.declaration import Producer


def backward_of_rows(
    gradient: Tensor,
    input: Tensor,
    producer: Producer,
    parameters: Sequence[float],
    beside: Beside,
    sum_gradient: Tensor | None,
) -> tuple[Tensor, ...]:
    """Return the gradients of the input, of the gate if there is one, and of the weight.

    Args:
        gradient: of the product, [num_tokens, hidden_size], in the input's dtype or float32.
        input: what the norm read.
        producer: one that reduces.
        parameters: the producer's, in its order.
        beside: its weight and gate.
        sum_gradient: what is added to the input's gradient.

    Returns:
        Of the input's dtype; the weight's [hidden_size], and [0] where there is none.
    """
    accumulators = torch.zeros(
        COLUMN_ACCUMULATORS, input.shape[1], dtype=torch.float32, device=input.device
    )
    parts: list[tuple[Tensor, ...]] = []
    for first in range(0, input.shape[0], COLUMN_ACCUMULATORS):
        rows = slice(first, first + COLUMN_ACCUMULATORS)
        *found, terms, normalised = _of_rows(
            gradient[rows],
            input[rows],
            producer,
            parameters,
            Beside(beside.weight, None if beside.gate is None else beside.gate[rows]),
            None if sum_gradient is None else sum_gradient[rows],
        )
        own = accumulators[: terms.shape[0]]
        own.copy_(fused_multiply_add(terms, normalised, own))
        parts.append(tuple(found))
    if not parts:
        parts = [(torch.empty_like(input),) * (2 if producer.takes_gate else 1)]
    gradients = tuple(torch.cat(part) for part in zip(*parts, strict=True))
    if beside.weight is None:
        return *gradients, input.new_empty(0)
    while accumulators.shape[0] > 1:
        accumulators = accumulators[::2] + accumulators[1::2]
    return *gradients, rounded(accumulators[0] + 0.0, input.dtype)


def _of_rows(
    gradient: Tensor,
    input: Tensor,
    producer: Producer,
    parameters: Sequence[float],
    beside: Beside,
    sum_gradient: Tensor | None,
) -> tuple[Tensor, ...]:
    """Return the gradients of rows, and the factors of the weight's terms."""
    formula, numbers = ROW_FORMULAS[producer.name], parameter_tensors(parameters, input)
    x, incoming = input.float(), gradient.float()
    column = None if beside.weight is None else formula.column(beside.weight.float(), numbers)
    factor = formula.row(x, numbers)
    normalised, terms = x * factor, incoming
    of_gate: tuple[Tensor, ...] = ()
    if formula.gate is not None and formula.gate_slope is not None:
        assert beside.gate is not None
        gate = beside.gate.float()
        terms = incoming * formula.gate(gate, numbers)
        product = normalised if column is None else normalised * column
        slope = formula.gate_slope(gate, numbers)
        of_gate = (rounded((incoming * product) * slope, input.dtype),)
    scaled = terms if column is None else terms * column
    mean = dot_product(scaled, x) * reciprocal(torch.full_like(factor, x.shape[1]))
    inner = fused_multiply_add(-((mean * factor) * factor).expand_as(x), x, scaled)
    if sum_gradient is None:
        of_input = factor * inner
    else:
        of_input = fused_multiply_add(factor.expand_as(x), inner, sum_gradient.float())
    return rounded(of_input, input.dtype), *of_gate, terms, normalised
