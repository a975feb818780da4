"""What peers and we quantise: ordinary numbers, every bfloat16 amax, and amaxes near limits."""

from __future__ import annotations

from functools import cache

import torch
from torch import Tensor

_WIDTH = 2048


def _generator() -> torch.Generator:
    return torch.Generator().manual_seed(1)


@cache
def normal() -> Tensor:
    """Return normally distributed numbers, bfloat16 [1024, 2048]."""
    return torch.randn(1024, _WIDTH, generator=_generator()).to(torch.bfloat16)


@cache
def eight_tensors() -> tuple[Tensor, ...]:
    """Return eight parts of normal(), each with another largest magnitude, bfloat16 [128, 2048]."""
    parts = enumerate(normal().chunk(8))
    return tuple((part * (1 + 0.13 * number)).to(torch.bfloat16) for number, part in parts)


@cache
def wide() -> Tensor:
    """Return numbers of 40 binades, each group of 32 of its own, float32 [1024, 2048]."""
    generator = _generator()
    binades = torch.randint(-20, 20, (1024, _WIDTH // 32), generator=generator)
    numbers = torch.randn(1024, _WIDTH, generator=generator)
    return numbers * torch.exp2(binades.float()).repeat_interleave(32, dim=1)


@cache
def every_amax(group_size: int = 32) -> Tensor:
    """Return a group for every bfloat16 pattern, which is its first element and its amax.

    bfloat16 [65536, group_size]; beside infinity and NaN stand numbers up to 3.
    """
    amax = torch.arange(1 << 16, dtype=torch.int32).to(torch.int16).view(torch.bfloat16)
    shares = torch.rand(1 << 16, group_size, generator=_generator())
    below = torch.where(amax.isfinite()[:, None], amax.float()[:, None] * shares, shares * 3)
    groups = below.to(torch.bfloat16)
    groups[:, 0] = amax
    return groups


@cache
def near_powers(maximum: float) -> Tensor:
    """Return a group for every float32 within 2 units of maximum times a power of two.

    float32 [groups, 32], the amax first and zeros after it.
    """
    powers = torch.exp2(torch.arange(-126, 128, dtype=torch.float64)) * maximum
    exact = powers.to(torch.float32)
    exact = exact[exact.isfinite()]
    steps = torch.arange(-2, 3, dtype=torch.int32)
    amax = (exact.view(torch.int32)[:, None] + steps).flatten().view(torch.float32)
    groups = torch.zeros(amax.numel(), 32)
    groups[:, 0] = amax
    return groups
