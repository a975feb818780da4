"""Numbers that parts of graphs are tried on."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import Tensor

# Products of float16 end at 65,504.
_LARGEST = {torch.float16: 20.0}
# Far below and beyond such limits as models have.
_MAGNITUDES = (1.0, 0.25, 8.0, 100.0, 0.05, 0.002, 30000.0)
# Where scales have a smallest one, down to where there is nothing but zeros.
_SMALL_EXPONENTS = (-9, -12, -17, -24, -40, -80, -150)
# Of gates and ups of 16 bits: their products stay finite.
_LARGEST_PATTERN = {torch.float16: 2.0**7}
# Its sigmoid is 1, so that a product with it is exact.
_PLAIN_GATE = 128.0
_MOST_RUNS = 64
_NUMBERS = 1 << 17
# A group has at least so many numbers.
_SMALLEST_GROUP = 16


def magnitudes(sizes: list[int], like: Tensor, seed: int = 0) -> Iterator[Tensor]:
    """Yield numbers of one magnitude after another, up to such as a limit would cut off.

    All of a trial's have one, since the largest number of a row may decide all of its codes.
    """
    drawn = torch.Generator().manual_seed(seed)
    for magnitude in _MAGNITUDES:
        if magnitude <= _LARGEST.get(like.dtype, magnitude):
            numbers = torch.randn(sizes, generator=drawn) * magnitude
            yield numbers.to(like.dtype).to(like.device)


def many(sizes: list[int], like: Tensor) -> Iterator[Tensor]:
    """Yield random numbers of each magnitude several times."""
    runs = max(1, min(_MOST_RUNS, _NUMBERS // torch.Size(sizes).numel()) // len(_MAGNITUDES))
    for seed in range(1, runs + 1):
        yield from magnitudes(sizes, like, seed)


def hard(sizes: list[int], like: Tensor, codes: torch.dtype) -> Iterator[Tensor]:
    """Yield numbers that bring out what random ones seldom do.

    Args:
        sizes: of the input.
        like: its dtype and device.
        codes: the dtype of the quantised values.
    """
    drawn = torch.Generator().manual_seed(0)
    rows, width = torch.Size(sizes[:-1]).numel(), sizes[-1]
    listed = (_of_sixteen_bits(rows, width, like.dtype, drawn), _near(rows, width, codes, drawn))
    for numbers in chain(*listed):
        yield numbers.reshape(sizes).to(like.dtype).to(like.device)


def _of_sixteen_bits(
    rows: int, width: int, dtype: torch.dtype, drawn: torch.Generator
) -> Iterator[Tensor]:
    """Yield rows whose first or last half runs through the numbers of 16 bits, by magnitude."""
    bits = torch.arange(1 << 16, dtype=torch.int32).to(torch.int16)
    listed = bits.view(torch.float16 if dtype == torch.float16 else torch.bfloat16).float()
    listed = listed[listed.abs() <= _LARGEST_PATTERN.get(dtype, 2.0**60)]
    half = width // 2
    pieces = listed[listed.abs().argsort(stable=True)].split(rows * half)
    for piece in pieces[:: -(-2 * len(pieces) // _MOST_RUNS)]:
        first = torch.zeros(rows * half)
        first[: len(piece)] = piece
        signs = torch.randint(0, 2, (rows, width - half), generator=drawn) * 2 - 1
        second = (torch.rand(signs.shape, generator=drawn) * 1.5 + 0.5) * signs
        both = first.view(rows, half), second
        yield torch.cat(both, -1)
        yield torch.cat(both[::-1], -1)


def _near(rows: int, width: int, codes: torch.dtype, drawn: torch.Generator) -> Iterator[Tensor]:
    """Yield rows near the middles of two codes, and small ones; once as they are, once as ups."""
    for size in (width, width - width // 2):
        gates = torch.full((rows, width - size), _PLAIN_GATE)
        for _ in range(max(1, min(_MOST_RUNS, (_NUMBERS // 4) // (rows * width)))):
            yield torch.cat((gates, _middles(rows, size, codes, drawn) / _PLAIN_GATE), -1)
        for exponent in _SMALL_EXPONENTS:
            numbers = torch.randn(rows, size, generator=drawn) * 2.0**exponent
            yield torch.cat((gates, numbers), -1)


def _middles(rows: int, width: int, codes: torch.dtype, drawn: torch.Generator) -> Tensor:
    """Return numbers that, divided by their group's scale, are next to the middle of two codes.

    There dividing by a scale and multiplying with its inverse give different codes.
    """
    if codes.is_floating_point:
        positive = torch.arange(1 << 7, dtype=torch.uint8).view(codes).double()
        positive = positive[positive.isfinite()]
    else:
        positive = torch.arange(1 << 7).double()
    middles = (positive[1:] + positive[:-1]) / 2
    largest = torch.rand(rows, 1, generator=drawn) + 1.0
    chosen = torch.randint(0, len(middles), (rows, width), generator=drawn)
    numbers = (middles[chosen] * (largest.double() / positive[-1])).float()
    steps = torch.randint(-1, 2, numbers.shape, generator=drawn, dtype=torch.int32)
    numbers = (numbers.view(torch.int32) + steps).view(torch.float32)
    numbers[:, ::_SMALLEST_GROUP] = largest
    return numbers
