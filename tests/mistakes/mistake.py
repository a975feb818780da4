"""A call that an operator refuses, and what such calls are made of."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import torch

from operator_calls import good_arguments
from opparity.formats import RECIPES, Recipe, ScaleLayout

if TYPE_CHECKING:
    from torch import Tensor

BLOCK = "silu_and_mul_per_block_quant.intermediate"
MX = RECIPES["mxfp8"]


def laid(layout: str) -> Recipe:
    return MX.with_layout(ScaleLayout(layout))


@dataclass(frozen=True)
class Mistake:
    """A good call of an operator with some arguments replaced, and how its refusal begins."""

    what: str
    operator: str
    words: str
    changes: dict[str, Any] = field(default_factory=dict)
    recipe: Recipe | None = None
    needs_data: bool = False

    def arguments(self) -> dict[str, Any]:
        return good_arguments(self.operator, self.recipe) | self.changes


def strided(size: tuple[int, ...], stride: tuple[int, ...], dtype: torch.dtype) -> Tensor:
    return torch.zeros(4096, dtype=torch.uint8).view(dtype).as_strided(size, stride)


FP8, E8M0 = torch.float8_e4m3fn, torch.float8_e8m0fnu
