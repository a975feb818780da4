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

    from opparity.operators.expert_checks import Experts

_WITHOUT_SCALES = (ScaleRule.GIVEN, ScaleRule.NONE)
# Layouts whose first dimension is the outer one.
_ROWS_FIRST = (ScaleLayout.ROW_MAJOR, ScaleLayout.SWIZZLE_128X4)


def allocate(
    recipe: Recipe,
    num_tokens: int,
    hidden_size: int,
    input: Tensor,
    experts: Experts | None = None,
    *,
    unquantised: str | None = None,
) -> tuple[Tensor, Tensor]:
    """Return values and scales without contents.

    Scales have no elements where the recipe computes none, and values then have the input's dtype,
    or another one that is named.
    """
    dtype = getattr(torch, unquantised) if unquantised is not None else input.dtype
    if recipe.format is not None:
        dtype = getattr(torch, value_dtypes(recipe.format)[0])
    columns = hidden_size // 2 if packs_values(recipe) else hidden_size
    num_groups = recipe.groups_in(hidden_size)
    rows: tuple[int, ...] = (num_tokens,)
    sizes, strides = scale_place(recipe, num_tokens, num_groups)
    if experts is not None and experts.is_masked:
        rows = (experts.count, experts.room)
        if recipe.rule not in _WITHOUT_SCALES:
            sizes, strides = scale_place(recipe, experts.room, num_groups)
            outer = 0 if recipe.layout in _ROWS_FIRST else 1
            step = sizes[outer] * strides[outer]
            sizes, strides = (experts.count, *sizes), (step, *strides)
    elif experts is not None and experts.scale_offsets is not None:
        width = rounded_up(num_groups, TILE_GROUPS)
        sizes, strides = (experts.scale_rows, width), (width, 1)
    scale_dtype: torch.dtype = getattr(torch, scale_dtypes(recipe)[0])
    return (
        input.new_empty((*rows, columns), dtype=dtype),
        input.new_empty_strided(sizes, strides, dtype=scale_dtype),
    )


def scale_place(
    recipe: Recipe, num_tokens: int, num_groups: int
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return the sizes and strides of new scales."""
    if recipe.rule in _WITHOUT_SCALES:
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
