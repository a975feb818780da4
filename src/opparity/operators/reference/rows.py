"""What is computed of a whole row, a sum and its root: numerics.md, section 9."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch.nn.functional import pad

from opparity.operators.numerics import ROW_ACCUMULATORS, ROW_LANES, ROW_NEIGHBOURS
from opparity.operators.reference.numerics import fused_multiply_add, reciprocal

if TYPE_CHECKING:
    from torch import Tensor


def sum_of_squares(rows: Tensor) -> Tensor:
    """Return the sum of the squares of each row, [num_tokens, 1], in the contract's order.

    Args:
        rows: float32 [num_tokens, hidden_size].
    """
    return _sum_of_products(rows, rows)


def dot_product(rows: Tensor, others: Tensor) -> Tensor:
    """Return the sum of the products of each row's elements, [num_tokens, 1].

    A sum of zeros alone is +0, however many accumulators there are.

    Args:
        rows: float32 [num_tokens, hidden_size].
        others: likewise.
    """
    return _sum_of_products(rows, others) + 0.0


def _sum_of_products(rows: Tensor, others: Tensor) -> Tensor:
    width = rows.shape[1]
    # Whatever a row lacks counts as +0, so that fewer accumulators do for a narrow one.
    size = min(1 << (width - 1).bit_length(), ROW_ACCUMULATORS)
    steps, other_steps = (
        pad(factor, (0, -width % size)).unflatten(-1, (-1, size)).unbind(1)
        for factor in (rows, others)
    )
    total = torch.zeros_like(steps[0])
    for step, other in zip(steps, other_steps, strict=True):
        total = fused_multiply_add(step, other, total)
    total = _by_neighbours(total, down_to=max(1, size // ROW_NEIGHBOURS))
    while total.shape[1] > ROW_LANES:
        first, second = total.chunk(2, dim=1)
        total = first + second
    return _by_neighbours(total, down_to=1)


def inverse_root_mean_square(rows: Tensor, epsilon: Tensor) -> Tensor:
    """Return 1 / sqrt(mean of the squares + epsilon) of each row, [num_tokens, 1]."""
    width = torch.full_like(epsilon, rows.shape[1])
    mean = fused_multiply_add(sum_of_squares(rows), reciprocal(width), epsilon)
    return reciprocal(square_root(mean))


def square_root(x: Tensor) -> Tensor:
    """Return the square root of float32 numbers, rounded once.

    torch's own float32 one is another number for a fifth of all on a CPU (torch 2.13 by MKL). Of a
    number of 24 digits the root is at least 2^-51 of itself from the middle between two float32
    numbers, so one of float64 with an error of less than its last place rounds to the right one.
    """
    return x.double().sqrt().float()


def _by_neighbours(total: Tensor, *, down_to: int) -> Tensor:
    """Return sums of neighbours, of those again, and so on, until so many are left."""
    while total.shape[1] > down_to:
        total = total[:, ::2] + total[:, 1::2]
    return total
