"""The first rows of each expert, quantised by one operator that reads the counts on the device."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from opparity.formats import ExpertLayout

if TYPE_CHECKING:
    from torch import Tensor

    from opparity.formats import Recipe


def write(
    name: str,
    numbers: tuple[float, ...],
    recipe: Recipe,
    input: Tensor,
    values: Tensor,
    scales: Tensor,
    counts: Tensor,
) -> None:
    """Quantise the first rows of each expert, as many as it has; other rows stay as they are.

    Args:
        name: of the producer's general operator.
        numbers: the producer's.
        recipe: how rows are quantised.
        input: [num_experts, num_tokens, columns].
        values: [num_experts, num_tokens, hidden_size].
        scales: [num_experts, num_tokens, columns of scales], as the recipe's layout has them.
        counts: int32 [num_experts].
    """
    operator = getattr(torch.ops.opparity, f"{name}_experts").out
    layout = str(ExpertLayout.MASKED)
    operator(input, counts, recipe.text, *numbers, experts=layout, values=values, scales=scales)
