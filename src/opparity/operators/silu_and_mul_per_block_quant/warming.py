"""The calls by which opparity.warm_up loads and compiles every kernel that is likely to be used."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from opparity.operators.silu_and_mul_per_block_quant.function import silu_and_mul_per_block_quant

if TYPE_CHECKING:
    from collections.abc import Iterable

# One token, few, and enough for each shape of the launch on a chip of up to 150 multiprocessors
# (cuda_launch.h; Triton compiles two tilings); 117 MB of input.
_SIZES = ((1, 2048), (320, 7168), (4096, 7168))


def warm_up(
    device: torch.device, input_dtypes: Iterable[torch.dtype], group_sizes: Iterable[int]
) -> int:
    """Call the operator with each dtype, group size and launch shape; return how many calls."""
    sizes = _SIZES[:1] if device.type == "cpu" else _SIZES
    calls = 0
    for dtype in input_dtypes:
        for num_tokens, hidden_size in sizes:
            input = torch.zeros(num_tokens, 2 * hidden_size, dtype=dtype, device=device)
            for group_size in group_sizes:
                silu_and_mul_per_block_quant(input, group_size)
                calls += 1
    return calls
