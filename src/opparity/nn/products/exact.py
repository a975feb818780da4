"""FP8 with exact sums: a slow oracle, with the same bits on every machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch.nn import functional

if TYPE_CHECKING:
    from torch import Tensor

_BLOCK = 128


def objection(device: torch.device, in_features: int, out_features: int) -> str | None:
    """Return nothing: float64 is there on CPUs and on the GPUs that have FP8."""
    del device, in_features, out_features
    return None


def multiply(
    values: Tensor, scales: Tensor, weight: Tensor, weight_scales: Tensor, dtype: torch.dtype
) -> Tensor:
    """Return the sum over blocks, first to last, of each block's exact sum times both scales.

    The 128 products of a block are multiples of 2**-18 below 2**18, and their sum is exact in
    float64 whatever its order. So is the product of two float32 scales. What rounds is the product
    of these two, and the sum over blocks.
    """
    rows = weight.shape[0]
    found = values.new_zeros((values.shape[0], rows), dtype=torch.float64)
    for block in range(weight_scales.shape[1]):
        columns = slice(block * _BLOCK, (block + 1) * _BLOCK)
        sums = functional.linear(values[:, columns].double(), weight[:, columns].double())
        across = weight_scales[:, block].double().repeat_interleave(_BLOCK)[:rows]
        # Two operations: a fused one would round once.
        found += sums.mul_(scales[:, block, None].double() * across)
    return found.to(dtype)
