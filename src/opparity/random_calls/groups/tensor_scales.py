"""Quantisation by the scale of a tensor, which is computed first."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from opparity.formats import INPUT_DTYPES, RECIPES, Recipe, ScaleRule
from opparity.operators import OPERATORS
from opparity.operators.tensor_scales import tensor_scale
from opparity.random_calls.group import Call, Group, run_operator
from opparity.random_calls.memory import laid_out
from opparity.random_calls.numbers import draw_numbers

if TYPE_CHECKING:
    from opparity.random_calls.draw import Draw

_RECIPES = [r for r in RECIPES.values() if r.rule in (ScaleRule.GIVEN, ScaleRule.GLOBAL)]
_QUANTIZE = next(row for row in OPERATORS if row.qualified_name == "quantize")
_MAGNITUDE = 0x7FFFFFFF
_INFINITY = 0x7F800000
_LARGEST_SCALE = np.float32(448.0)


def _draw(draw: Draw) -> Call:
    recipe = draw.turn(_RECIPES)
    dtype: torch.dtype = getattr(torch, draw.choose(INPUT_DTYPES))
    tokens, width = draw.sizes(even=True)
    input = laid_out(draw, draw_numbers(draw, dtype, tokens, width))
    expected = _by_integers(input, recipe)
    is_usable = 0 < expected.item() < math.inf

    def run(provider: str) -> dict[str, Tensor]:
        is_reference = provider == "reference"
        scale = expected if is_reference else tensor_scale(input, recipe)
        # NaNs are no numbers that a contract has the bits of.
        found = {"scale": torch.where(scale.isnan(), torch.nan, scale)}
        if is_usable:
            arguments = {"input": input, "recipe": recipe.text, "scale": scale}
            found |= run_operator(_QUANTIZE, arguments, provider)
        return found

    words = f"quantize({dtype}{list(input.shape)}, {recipe}, its tensor_scale)"
    # Where the scale is 0, infinity or NaN it is all that is computed.
    return Call(words, input.numel() if is_usable else 1, run)


def _by_integers(input: Tensor, recipe: Recipe) -> Tensor:
    """Return the scale by numpy from the largest of the numbers' bits (numerics.md, section 4)."""
    assert recipe.format is not None
    bits = 0
    if input.numel():
        bits = int((input.float().view(torch.int32) & _MAGNITUDE).max())
    largest, maximum = np.uint32(bits).view(np.float32), np.float32(recipe.format.maximum)
    with np.errstate(all="ignore"):
        if bits > _INFINITY:
            scale = np.float32(np.nan)
        elif recipe.rule is ScaleRule.GIVEN:
            scale = np.maximum(largest / maximum, np.float32(recipe.format.minimum_scale))
        elif bits == 0:
            scale = np.float32(1)
        else:
            scale = np.minimum(maximum * _LARGEST_SCALE / largest, np.finfo(np.float32).max)
    return torch.tensor(float(scale), dtype=torch.float32, device=input.device)


GROUP = Group("tensor_scales", _draw, len(_RECIPES))
