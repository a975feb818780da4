"""FP8 with exact sums: a slow oracle, with the same bits on every machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch.nn import functional

from opparity.nn.products.dequantised import width_of_block

if TYPE_CHECKING:
    from torch import Tensor

# Rows of a block of block FP8.
_TALL = 128


def objection(device: torch.device, in_features: int, out_features: int) -> str | None:
    """Return nothing: float64 is there on CPUs and on the GPUs that have FP8."""
    del device, in_features, out_features
    return None


def multiply(
    values: Tensor, scales: Tensor, weight: Tensor, weight_scales: Tensor, dtype: torch.dtype
) -> Tensor:
    """Return the sum over blocks, first to last, of each block's exact sum times both scales.

    The products of a block, 128 or in MXFP8 32, are multiples of 2**-18 below 2**18, and their
    sum is exact in float64 whatever its order. So is the product of two scales. What rounds is the
    product of these two, and the sum over blocks.
    """
    rows, wide = weight.shape[0], width_of_block(weight_scales)
    tall = 1 if weight_scales.shape[0] == rows else _TALL
    found = values.new_zeros((values.shape[0], rows), dtype=torch.float64)
    # Through float32: not every device makes float64 of exponents.
    scales, weight_scales = scales.float().double(), weight_scales.float().double()
    for block in range(weight_scales.shape[1]):
        columns = slice(block * wide, (block + 1) * wide)
        sums = functional.linear(values[:, columns].double(), weight[:, columns].double())
        across = weight_scales[:, block].repeat_interleave(tall)[:rows]
        # Two operations: a fused one would round once.
        found += sums.mul_(scales[:, block, None] * across)
    return found.to(dtype)
