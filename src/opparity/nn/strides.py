"""Inputs as operators read them: the numbers of a row lie next to each other."""

from __future__ import annotations

from torch import Tensor


def adjacent(input: Tensor) -> Tensor:
    """Return an input, copied where its last dimension is not contiguous."""
    is_apart = isinstance(input, Tensor) and input.dim() > 0 and input.stride(-1) != 1
    return input.contiguous() if is_apart else input
