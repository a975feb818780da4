"""The tensors that functional operators return."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from opparity.formats import Recipe, ScaleLayout, ScaleRule
from opparity.operators.recipes import packs_values, scale_dtypes, value_dtypes
from opparity.operators.scale_checks import ALIGNMENT, GROUPS_OF_A_WORD, TILE_GROUPS, TILE_TOKENS
from opparity.operators.sizes import holds, rounded_up

if TYPE_CHECKING:
    from torch import Tensor

    from opparity.operators.checks import Checked


def allocate(checked: Checked, input: Tensor) -> tuple[Tensor, Tensor]:
    """Return values and scales without contents.

    Scales have no elements where the recipe computes none.
    """
    recipe = checked.recipe
    dtype = input.dtype
    if recipe.format is not None:
        dtype = getattr(torch, value_dtypes(recipe.format)[0])
    columns = checked.hidden_size // 2 if packs_values(recipe) else checked.hidden_size
    values = input.new_empty((checked.num_tokens, columns), dtype=dtype)
    sizes, strides = scale_place(recipe, checked.num_tokens, checked.num_groups)
    scale_dtype: torch.dtype = getattr(torch, scale_dtypes(recipe)[0])
    return values, input.new_empty_strided(sizes, strides, dtype=scale_dtype)


def scale_place(
    recipe: Recipe, num_tokens: int, num_groups: int
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return the sizes and strides of new scales."""
    if recipe.rule in (ScaleRule.GIVEN, ScaleRule.NONE):
        return (0,), (1,)
    if recipe.layout is ScaleLayout.SWIZZLE_128X4:
        count = rounded_up(num_tokens, TILE_TOKENS) * rounded_up(num_groups, TILE_GROUPS)
        return (count,), (1,)
    columns = num_groups
    if recipe.layout is ScaleLayout.PACKED:
        columns = rounded_up(num_groups, GROUPS_OF_A_WORD) // GROUPS_OF_A_WORD
    if recipe.layout is ScaleLayout.ROW_MAJOR:
        return (num_tokens, columns), (columns, 1)
    # As torch has it: no stride is zero.
    step = 1 if holds(num_tokens == 0) else num_tokens
    if recipe.layout is not ScaleLayout.COLUMN_MAJOR:
        element: torch.dtype = getattr(torch, scale_dtypes(recipe)[0])
        step = rounded_up(step, ALIGNMENT // element.itemsize)
    return (num_tokens, columns), (1, step)
