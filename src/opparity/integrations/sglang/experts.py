"""One call for the rows of several experts: the place for an operator that takes them all."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    from opparity.formats import Recipe


def can_count(counts: Tensor) -> bool:
    """Return whether experts' rows can be counted: not while a CUDA graph is captured."""
    return not (counts.is_cuda and torch.cuda.is_current_stream_capturing())


def write(
    produce: Callable[[Tensor, Recipe], Any],
    recipe: Recipe,
    input: Tensor,
    values: Tensor,
    scales: Tensor,
    counts: Tensor,
) -> None:
    """Quantise the first rows of each expert, as many as it has; other rows stay as they are.

    The counts are read by the host once, and the work is that of the valid rows.

    Args:
        produce: Opparity's function of rows and a recipe.
        recipe: how they are quantised.
        input: [num_experts, num_tokens, columns].
        values: [num_experts, num_tokens, hidden_size].
        scales: [num_experts, num_tokens, columns of scales], with any strides.
        counts: int32 [num_experts].
    """
    for expert, count in enumerate(counts.tolist()):
        if count:
            rows = slice(count)
            values[expert, rows], scales[expert, rows] = produce(input[expert, rows], recipe)
