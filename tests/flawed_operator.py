"""A kernel that is wrong in two bits: of one code and of one scale."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from opparity.operators.silu_and_mul_per_block_quant import reference

if TYPE_CHECKING:
    from torch import Tensor


def write_intermediate(
    out: Tensor,
    input: Tensor,
    scales: Tensor,
    group_size: int,
    scale_ub: Tensor | None,
    is_scale_transposed: bool,
    intermediate: str,
) -> None:
    reference.write_intermediate(
        out, input, scales, group_size, scale_ub, is_scale_transposed, intermediate
    )
    out.view(torch.uint8)[-1, 3] ^= 1
    scales.view(torch.int32)[0, -1] ^= 1 << 31
