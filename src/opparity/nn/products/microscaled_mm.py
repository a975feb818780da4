"""torch's scaled_mm for MXFP8, whose scales it takes in tiles of 128 x 4: Blackwell's tensor cores.

It has not run on such a GPU yet. It follows torch's documentation of
`torch.nn.functional.scaled_mm` and the checks that torch makes of its arguments, and so serves only
where it is asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch.nn import functional

from opparity.formats import RECIPES, ScaleLayout
from opparity.operators.reference.layouts import place

if TYPE_CHECKING:
    from torch import Tensor

_BLACKWELL = 10
_GROUP = 32
# cuBLAS takes whole sixteens of a weight's rows.
_ROWS = 16
_IN_TILES = RECIPES["mxfp8"].with_layout(ScaleLayout.SWIZZLE_128X4)


def objection(device: torch.device, in_features: int, out_features: int) -> str | None:
    """Return why torch would refuse these matrices."""
    if device.type != "cuda" or torch.version.hip is not None:
        return f"microscaled_mm multiplies on NVIDIA alone; the device is {device}"
    major, minor = torch.cuda.get_device_capability(device)
    if major != _BLACKWELL:
        return f"microscaled_mm needs sm_100 or sm_103; the device is sm_{major}{minor}"
    if in_features % _GROUP or out_features % _ROWS:
        return (
            f"the weight is {out_features} x {in_features}; whole groups of {_GROUP} columns and "
            f"whole {_ROWS} rows are needed"
        )
    return None


def multiply(
    values: Tensor, scales: Tensor, weight: Tensor, weight_scales: Tensor, dtype: torch.dtype
) -> Tensor:
    """Return the product as cuBLAS computes it, its float32 sums rounded once."""
    by_groups, in_tiles = (
        functional.ScalingType.BlockWise1x32,
        functional.SwizzleType.SWIZZLE_32_4_4,
    )
    found: Tensor = functional.scaled_mm(
        values.contiguous(),
        weight.contiguous().t(),
        tiles(scales),
        by_groups,
        tiles(weight_scales),
        by_groups,
        swizzle_a=in_tiles,
        swizzle_b=in_tiles,
        # It makes no float16.
        output_dtype=torch.bfloat16 if dtype == torch.bfloat16 else torch.float32,
    )
    return found.to(dtype)


def tiles(scales: Tensor) -> Tensor:
    """Return exponents [rows, groups] in tiles of 128 x 4, a flat list; what is padding is zero."""
    return place(scales.view(torch.uint8), _IN_TILES)
