"""opparity.dequantize: what values and scales stand for, by the contract's definition."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from opparity.formats import Recipe, ScaleLayout, ScaleRule
from opparity.operators.allocation import scale_place
from opparity.operators.recipes import packs_values, scale_dtypes, value_dtypes
from opparity.operators.reference import dequantise, layouts
from opparity.operators.refusal import kind_of, refuse
from opparity.operators.sizes import holds, name_of, words

_NAME = "dequantize"


def dequantize(
    values: Tensor,
    scales: Tensor,
    recipe: Recipe | str,
    *,
    scale: Tensor | None = None,
    dtype: torch.dtype = torch.float32,
) -> Tensor:
    """Return values times scales, multiplied as float32 and rounded once to `dtype`.

    Args:
        values: [..., hidden_size] of the recipe's dtype, or uint8 [..., hidden_size / 2] where two
            codes share a byte.
        scales: as the recipe's layout has them; the given scale where the recipe computes none.
        recipe: or its name or text.
        scale: the global scale, for NVFP4 alone.
        dtype: of the result.

    Returns:
        [..., hidden_size].

    Raises:
        ArgumentRefused: for tensors that are not of the recipe, and for what is no dtype.
    """
    if not isinstance(dtype, torch.dtype) or not dtype.is_floating_point:
        refuse(
            _NAME,
            f"dtype is {dtype!r}; allowed: a floating dtype of torch, as torch.bfloat16; pass one",
        )
    tensors = {"values": values, "scales": scales} | ({} if scale is None else {"scale": scale})
    for name, tensor in tensors.items():
        if not isinstance(tensor, Tensor):
            refuse(_NAME, f"{name} is {kind_of(tensor)}; allowed: a tensor; pass one")
    kind = recipe if isinstance(recipe, Recipe) else Recipe.parse(recipe)
    if kind.format is None:
        return values.to(dtype)
    if name_of(values.dtype) not in value_dtypes(kind.format):
        allowed = ", ".join(value_dtypes(kind.format))
        refuse(_NAME, f"values has dtype {name_of(values.dtype)}; allowed: {allowed}; pass codes")
    hidden_size = 2 * values.shape[-1] if packs_values(kind) else values.shape[-1]
    leading = values.shape[:-1]
    num_tokens = math.prod(leading)
    if kind.rule is ScaleRule.GIVEN:
        by_token, scale = None, scales
    else:
        by_token = _by_token(scales, kind, num_tokens, hidden_size)
    if kind.rule in (ScaleRule.GIVEN, ScaleRule.GLOBAL) and (scale is None or scale.numel() != 1):
        given = "None" if scale is None else f"of {scale.numel()} elements"
        refuse(_NAME, f"scale is {given}; allowed: one float32 number; pass what quantised")
    rows = values.reshape(num_tokens, values.shape[-1])
    found = dequantise(rows, by_token, kind, hidden_size, scale=scale)
    return found.to(dtype).reshape(*leading, hidden_size)


def _by_token(scales: Tensor, recipe: Recipe, num_tokens: int, hidden_size: int) -> Tensor:
    num_groups = recipe.groups_in(hidden_size)
    if name_of(scales.dtype) not in scale_dtypes(recipe):
        allowed = ", ".join(scale_dtypes(recipe))
        refuse(_NAME, f"scales has dtype {name_of(scales.dtype)}; allowed: {allowed}; pass scales")
    sizes, _ = scale_place(recipe, num_tokens, num_groups)
    is_flat = recipe.layout is ScaleLayout.SWIZZLE_128X4
    given = scales.numel() * (scales.element_size() if is_flat else 1)
    if holds(given != math.prod(sizes)):
        refuse(
            _NAME,
            f"scales has shape {words(scales.shape)}; allowed: {words(sizes)} for {num_tokens} "
            f"tokens of {hidden_size} values; pass scales of that shape",
        )
    stored = scales if is_flat else scales.reshape(sizes)
    return layouts.by_token(stored, recipe, num_tokens, num_groups)
