"""Inputs for comparisons, the same numbers on every machine.

They come from Philox, a counter-based generator whose stream numpy guarantees.
"""

from __future__ import annotations

from enum import StrEnum

import numpy as np
import torch
from torch import Tensor


class Filling(StrEnum):
    """How an input is made."""

    ACTIVATIONS = "activations"
    """Bell-shaped numbers whose spread differs from group to group, as in a model."""
    PATTERNS = "patterns"
    """Any bit pattern of the dtype: subnormals, huge numbers, infinities and NaN."""
    FINITE_PATTERNS = "finite_patterns"
    """The same without infinities and NaN."""
    EVERY_GATE = "every_gate"
    """All 65,536 patterns of a 16-bit dtype as gates, in order and over again; up is 1."""
    SPECIAL = "special"
    """Groups with zeros, one NaN, infinities of either sign, one huge element, subnormals."""


def make_input(
    filling: Filling, num_tokens: int, hidden_size: int, input_dtype: str, seed: int
) -> Tensor:
    """Return an input [num_tokens, 2 * hidden_size] on the CPU."""
    dtype: torch.dtype = getattr(torch, input_dtype)
    shape = (num_tokens, 2 * hidden_size)
    # A stream for each filling and seed, and the same numbers for each dtype.
    generator = np.random.Philox(key=[list(Filling).index(filling), seed])
    if filling is Filling.EVERY_GATE:
        gate = torch.arange(1 << 16, dtype=torch.int32).to(torch.int16).view(dtype)
        gate = gate.repeat(num_tokens * hidden_size // (1 << 16)).view(num_tokens, hidden_size)
        return torch.cat((gate, torch.ones_like(gate)), dim=1)
    if filling in (Filling.PATTERNS, Filling.FINITE_PATTERNS):
        return _patterns(generator, shape, dtype, finite=filling is Filling.FINITE_PATTERNS)
    values = _activations(generator, shape)
    if filling is Filling.SPECIAL:
        _spoil(values)
    return values.to(dtype)


def _activations(generator: np.random.Philox, shape: tuple[int, int]) -> Tensor:
    """Return sums of four uniform integers, times a power of two for every 16 columns."""
    raw = generator.random_raw(shape[0] * shape[1]).reshape(shape)
    total = np.zeros(shape, dtype=np.int64)
    for shift in (0, 16, 32, 48):
        total += ((raw >> np.uint64(shift)) & np.uint64(0xFFFF)).astype(np.int64) - 32768
    spread = generator.random_raw(shape[0] * -(-shape[1] // 16)).reshape(shape[0], -1)
    exponent = (spread % np.uint64(9)).astype(np.int64) - 6
    scale = np.exp2(np.repeat(exponent, 16, axis=1)[:, : shape[1]]).astype(np.float32)
    # Integers below 2^18 and powers of two: every product is exact.
    return torch.from_numpy(total.astype(np.float32) * np.float32(2.0**-15) * scale)


def _patterns(
    generator: np.random.Philox, shape: tuple[int, int], dtype: torch.dtype, *, finite: bool
) -> Tensor:
    raw = generator.random_raw(shape[0] * shape[1]).reshape(shape)
    if dtype == torch.float32:
        values = torch.from_numpy((raw & np.uint64(0xFFFFFFFF)).astype(np.uint32).view(np.int32))
    else:
        values = torch.from_numpy((raw & np.uint64(0xFFFF)).astype(np.uint16).view(np.int16))
    values = values.view(dtype)
    if finite:
        # NaN becomes a number of its own sign's neighbourhood by losing its exponent's lowest bit.
        lowest = {torch.float32: 1 << 23, torch.bfloat16: 1 << 7, torch.float16: 1 << 10}[dtype]
        bits = values.view(torch.int32 if dtype == torch.float32 else torch.int16)
        values = torch.where(values.isfinite(), bits, bits & ~lowest).view(dtype)
    return values


def _spoil(values: Tensor) -> None:
    """Put into each row, group after group of 64, what a kernel may get wrong."""
    hidden_size = values.shape[1] // 2
    gate, up = values[:, :hidden_size], values[:, hidden_size:]
    nan, infinity = float("nan"), float("inf")
    gate[:, 0:64] = 0.0
    gate[:, 64:128] = -0.0
    up[:, 128:192] = 0.0
    gate[:, 192] = nan
    up[:, 257] = nan
    gate[:, 320] = infinity
    gate[:, 385] = -infinity
    up[:, 450] = infinity
    up[:, 515] = -infinity
    gate[:, 576], up[:, 576] = infinity, 0.0
    gate[:, 640], up[:, 640] = 3.0e4, 6.0e4
    gate[:, 704:768] *= 2.0**-24
    gate[:, 768:832], up[:, 768:832] = -torch.linspace(80.0, 110.0, 64), 3.0e4
    gate[:, 832:896] = torch.linspace(-20.0, 20.0, 64)
    gate[:, 896:960], up[:, 896:960] = 2.0**-14, torch.linspace(-(2.0**-14), 2.0**-14, 64)
