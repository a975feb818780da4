"""The product of what values and scales stand for: on every device, and slow."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch.nn import functional

if TYPE_CHECKING:
    from torch import Tensor


def objection(device: torch.device, in_features: int, out_features: int) -> str | None:
    """Return nothing: plain torch multiplies anywhere."""
    del device, in_features, out_features
    return None


def multiply(
    values: Tensor, scales: Tensor, weight: Tensor, weight_scales: Tensor, dtype: torch.dtype
) -> Tensor:
    """Return the product of float32 numbers on a CPU, and of numbers in `dtype` elsewhere."""
    held = torch.float32 if values.device.type == "cpu" else dtype
    activations, weights = spread(values, scales).to(held), spread(weight, weight_scales).to(held)
    with torch.autocast(values.device.type, enabled=False):
        return functional.linear(activations, weights).to(dtype)


def spread(values: Tensor, scales: Tensor) -> Tensor:
    """Return float32 values times scales, each scale standing for an equal block but the last.

    Blocks are as wide as `width_of_block` says where there are several scales to a row, and 128
    tall where there are fewer rows of scales than of values.
    """
    rows, columns = values.shape
    wide = width_of_block(scales)
    scales = scales.float()
    if scales.shape[0] != rows:
        scales = scales.repeat_interleave(128, 0)[:rows]
    if scales.shape[1] != 1:
        scales = scales.repeat_interleave(wide, 1)[:, :columns]
    return values.float() * scales


def width_of_block(scales: Tensor) -> int:
    """Return how many columns share a scale: exponents are those of MX formats."""
    return 32 if scales.dtype == torch.float8_e8m0fnu else 128
