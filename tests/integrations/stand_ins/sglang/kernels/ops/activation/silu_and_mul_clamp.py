from typing import Any

import torch

calls: list[tuple[Any, ...]] = []


def silu_and_mul_contig_post_quant(
    input: torch.Tensor,
    output: torch.Tensor,
    output_scale: torch.Tensor,
    quant_group_size: int,
    scale_ue8m0: bool = False,
    transposed: bool = False,
    swiglu_limit: float | None = None,
    swizzle: bool = False,
) -> None:
    calls.append((quant_group_size, scale_ue8m0, transposed, swiglu_limit, swizzle))
