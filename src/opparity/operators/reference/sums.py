"""What the int32 sums of a product of int8 matrices stand for: docs/numerics.md, section 14."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from torch import Tensor


def scaled(sums: Tensor, token_scales: Tensor, weight_scales: Tensor, dtype: torch.dtype) -> Tensor:
    """Return sums times their row's and then their column's scale, rounded to a dtype.

    Args:
        sums: int32 [num_tokens, width].
        token_scales: float32 [num_tokens, 1].
        weight_scales: float32 [width, 1].
        dtype: of the result.
    """
    of_rows = sums.to(torch.float32) * token_scales
    return (of_rows * weight_scales.t()).to(dtype)
