from typing import Any, Literal

import torch

calls: list[tuple[Any, ...]] = []


def per_token_group_quant(
    input: torch.Tensor,
    output_q: torch.Tensor | None = None,
    output_s: torch.Tensor | None = None,
    group_size: int = 128,
    scale_ue8m0: bool = False,
    fuse_silu_and_mul: bool = False,
    masked_m: torch.Tensor | None = None,
    expected_m: int | None = None,
    *,
    out_dtype: torch.dtype | None = None,
    column_major_scales: bool = False,
    sorted_token_ids: torch.Tensor | None = None,
    num_tokens_post_padded: torch.Tensor | None = None,
    num_valid_tokens: int = 0,
    silu_and_mul_mode: Literal["legacy", "dense"] = "legacy",
) -> tuple[torch.Tensor, torch.Tensor]:
    calls.append((out_dtype, sorted_token_ids, num_valid_tokens, silu_and_mul_mode))
    return input, input
