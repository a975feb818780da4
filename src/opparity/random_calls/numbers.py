"""The numbers of random calls, usual and hostile ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    from opparity.random_calls.draw import Draw

_INTEGERS = {torch.float16: torch.int16, torch.bfloat16: torch.int16, torch.float32: torch.int32}
_MANTISSAS = {torch.float16: 10, torch.bfloat16: 7, torch.float32: 23}
_COLUMNS_OF_A_SPREAD = 16
# Subnormal in each dtype, at the ends of each, beyond float16's, and where exponentials end.
_SPECIAL = (
    *(float("nan"), float("inf"), -float("inf"), 0.0, -0.0, 1.0, -1.0),
    *(1e-45, -1e-40, 6e-8, -6e-5, 1e-38, 65504.0, -65504.0, 3.38e38, -3.4e38, 1e20, -1e-20),
    *(-88.0, 88.8, -103.9, 7.0, -7.0, 448.0, 0.5),
)


def draw_numbers(draw: Draw, dtype: torch.dtype, *sizes: int) -> Tensor:
    """Return numbers of one kind, [*sizes]."""
    return draw.choose(_KINDS)(draw, dtype, sizes)


def draw_sums(draw: Draw, *sizes: int) -> Tensor:
    """Return int32 sums: usual ones, such beside 2^24, or any."""
    usual = torch.randn(sizes, generator=draw.generator, device=draw.device) * 30_000
    beside = draw.choose((-1, 1)) * (1 << 24) + draw.integers(-8, 8, *sizes)
    bits = draw.integers(-(1 << 31), (1 << 31) - 1, *sizes)
    return draw.choose((usual, usual, beside, bits)).to(torch.int32)


def draw_numbers_of_a_router(draw: Draw, *sizes: int) -> Tensor:
    """Return float32 weights, of which some may be hostile."""
    weights = torch.rand(sizes, generator=draw.generator, device=draw.device)
    return _spoiled(draw, weights, 0.1) if draw.happens(0.5) else weights


def _usual(draw: Draw, dtype: torch.dtype, sizes: tuple[int, ...]) -> Tensor:
    """Return bell-shaped numbers whose spread differs from group to group."""
    numbers = torch.randn(sizes, generator=draw.generator, device=draw.device)
    groups = -(-sizes[-1] // _COLUMNS_OF_A_SPREAD)
    spread = draw.integers(-6, 3, *sizes[:-1], groups).float().exp2()
    spread = spread.repeat_interleave(_COLUMNS_OF_A_SPREAD, dim=-1)[..., : sizes[-1]]
    return (numbers * spread).to(dtype)


def _usual_with_hostile(draw: Draw, dtype: torch.dtype, sizes: tuple[int, ...]) -> Tensor:
    return _spoiled(draw, _usual(draw, dtype, sizes), draw.choose((1e-4, 1e-3, 0.02)))


def _near_ties(draw: Draw, dtype: torch.dtype, sizes: tuple[int, ...]) -> Tensor:
    """Return small multiples of a power of two: many lie midway between two codes."""
    return (draw.integers(-512, 512, *sizes).float() * 2.0 ** draw.between(-12, 2)).to(dtype)


def _any_bits(draw: Draw, dtype: torch.dtype, sizes: tuple[int, ...]) -> Tensor:
    limits = torch.iinfo(_INTEGERS[dtype])
    bits = draw.integers(limits.min, limits.max, *sizes)
    return bits.to(_INTEGERS[dtype]).view(dtype)


def _finite_bits(draw: Draw, dtype: torch.dtype, sizes: tuple[int, ...]) -> Tensor:
    numbers = _any_bits(draw, dtype, sizes)
    # A cleared bit of the exponent leaves neither infinity nor NaN.
    bits = numbers.view(_INTEGERS[dtype])
    finite = (bits & ~(1 << _MANTISSAS[dtype])).view(dtype)
    return torch.where(numbers.isfinite(), numbers, finite)


def _subnormal(draw: Draw, dtype: torch.dtype, sizes: tuple[int, ...]) -> Tensor:
    most = (1 << _MANTISSAS[dtype]) - 1
    bits = draw.integers(-most, most, *sizes)
    least = torch.iinfo(_INTEGERS[dtype]).min
    return torch.where(bits < 0, -bits + least, bits).to(_INTEGERS[dtype]).view(dtype)


def _special(draw: Draw, dtype: torch.dtype, sizes: tuple[int, ...]) -> Tensor:
    return _spoiled(draw, torch.zeros(sizes, dtype=dtype, device=draw.device), 1.0)


def _spoiled(draw: Draw, numbers: Tensor, share: float) -> Tensor:
    """Return numbers of which a share is replaced by special ones."""
    special = torch.tensor(_SPECIAL, device=draw.device).to(numbers.dtype)
    drawn = special[draw.integers(0, len(_SPECIAL) - 1, *numbers.shape)]
    chosen = torch.rand(numbers.shape, generator=draw.generator, device=draw.device) < share
    return torch.where(chosen, drawn, numbers)


# As often as they stand here.
_KINDS: tuple[Callable[[Draw, torch.dtype, tuple[int, ...]], Tensor], ...] = (
    *(_usual, _usual, _usual, _usual),
    *(_usual_with_hostile, _usual_with_hostile),
    *(_near_ties, _near_ties),
    *(_finite_bits, _finite_bits),
    *(_any_bits, _subnormal, _special),
)
