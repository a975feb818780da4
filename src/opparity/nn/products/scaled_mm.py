"""torch's scaled_mm for FP8 with scales by 1 x 128 and 128 x 128: Hopper's tensor cores."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch.nn import functional

from opparity.nn.products import hopper

if TYPE_CHECKING:
    from torch import Tensor

# cuBLAS reads the weight's scales in rows of whole fours, and refuses a single token.
_ROW_OF_SCALES = 4
_TOKENS = 4


def objection(device: torch.device, in_features: int, out_features: int) -> str | None:
    """Return why torch would refuse these matrices."""
    return hopper.objection("scaled_mm", device, in_features, out_features)


def multiply(
    values: Tensor, scales: Tensor, weight: Tensor, weight_scales: Tensor, dtype: torch.dtype
) -> Tensor:
    """Return the product as cuBLAS computes it, its float32 sums rounded once."""
    num_tokens = values.shape[0]
    more = -num_tokens % _TOKENS
    if more:
        codes = functional.pad(values.view(torch.uint8), (0, 0, 0, more))
        values, scales = codes.view(values.dtype), functional.pad(scales, (0, 0, 0, more))
    found: Tensor = functional.scaled_mm(
        values,
        weight.t(),
        _columns_first(scales),
        functional.ScalingType.BlockWise1x128,
        _in_whole_rows(weight_scales).t(),
        functional.ScalingType.BlockWise128x128,
        # It makes no float16.
        output_dtype=torch.bfloat16 if dtype == torch.bfloat16 else torch.float32,
    )
    return found[:num_tokens].to(dtype)


def _columns_first(scales: Tensor) -> Tensor:
    """Return scales whose tokens follow one another; no copy of column-major ones."""
    return scales.t().contiguous().t()


def _in_whole_rows(scales: Tensor) -> Tensor:
    """Return [rows, groups] with zeros up to a multiple of four groups."""
    more = -scales.shape[1] % _ROW_OF_SCALES
    return functional.pad(scales, (0, more)) if more else scales
