from typing import Any

import torch

calls: list[tuple[Any, ...]] = []


def silu_and_mul_masked_post_quant(
    input: torch.Tensor,
    output: torch.Tensor,
    output_scale: torch.Tensor,
    quant_group_size: int,
    masked_m: torch.Tensor,
    scale_ue8m0: bool = False,
    topk: int = 8,
    transposed: bool = False,
    swiglu_limit: float | None = None,
    swizzle: bool = False,
) -> None:
    calls.append((quant_group_size, scale_ue8m0, topk, transposed, swiglu_limit, swizzle))
