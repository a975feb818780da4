"""Numbers by their bits: all of a 16-bit dtype, and random ones of float32."""

from __future__ import annotations

import torch
from torch import Tensor


def every_pattern(dtype: torch.dtype) -> Tensor:
    """Return all 65,536 numbers of a 16-bit dtype."""
    return torch.arange(1 << 16, dtype=torch.int32).to(torch.int16).view(dtype)


def random_patterns(count: int, *, seed: int = 0) -> Tensor:
    """Return float32 numbers with random bits, NaN and infinities among them."""
    bits = torch.randint(0, 2**32, (count,), generator=torch.Generator().manual_seed(seed))
    return bits.to(torch.int32).view(torch.float32)


def same_bits(left: Tensor, right: Tensor) -> Tensor:
    """Return where two tensors of one dtype have the same bits."""
    size = left.element_size()
    dtype = {1: torch.uint8, 2: torch.int16, 4: torch.int32}[size]
    return left.contiguous().view(dtype) == right.contiguous().view(dtype)
