"""Tensors that lie in larger storages, so that a write outside of them is seen."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

if TYPE_CHECKING:
    from collections.abc import Sequence

    from opparity.random_calls.draw import Draw

# What outputs hold before: a kernel that writes nothing is not taken for one that is right.
_POISON = 0x55
_BEHIND = 64
_BITS = {1: torch.uint8, 2: torch.int16, 4: torch.int32}


def poisoned(
    draw: Draw, dtype: torch.dtype, sizes: Sequence[int], strides: Sequence[int]
) -> Tensor:
    """Return a tensor to be written to, with memory before and behind it."""
    first = draw.choose((0, 0, 0, 1, 16))
    extent = sum((size - 1) * stride for size, stride in zip(sizes, strides, strict=True)) + 1
    count = first + (extent if all(sizes) else 0) + _BEHIND
    storage = torch.full((count * dtype.itemsize,), _POISON, dtype=torch.uint8, device=draw.device)
    return storage.view(dtype).as_strided(tuple(sizes), tuple(strides), first)


def rows_apart(draw: Draw, columns: int) -> int:
    """Return the stride of rows: now and then they lie apart."""
    return columns + draw.choose((0, 0, 0, 1, 8, 32))


def laid_out(draw: Draw, tensor: Tensor) -> Tensor:
    """Return the same numbers, [rows, columns], wherever they may lie."""
    rows, columns = tensor.shape
    place = poisoned(draw, tensor.dtype, (rows, columns), (rows_apart(draw, columns), 1))
    return place.copy_(tensor)


def with_own_storage(tensor: Tensor) -> Tensor:
    """Return a copy of a tensor with all of its storage."""
    storage = tensor.untyped_storage().clone()
    empty = torch.empty(0, dtype=tensor.dtype, device=tensor.device)
    return empty.set_(storage, tensor.storage_offset(), tensor.shape, tensor.stride())


def whole_storage(tensor: Tensor) -> Tensor:
    """Return all elements of a tensor's storage, in one dimension."""
    storage = tensor.untyped_storage()
    empty = torch.empty(0, dtype=tensor.dtype, device=tensor.device)
    return empty.set_(storage, 0, (storage.nbytes() // tensor.element_size(),), (1,))


def differing(first: Tensor, second: Tensor) -> int:
    """Return how many elements differ in any bit; all of them where the tensors are no pair."""
    for one, other in (
        (first.dtype, second.dtype),
        (first.shape, second.shape),
        (first.stride(), second.stride()),
    ):
        if one != other:
            return max(first.numel(), second.numel(), 1)
    bits = _BITS[first.element_size()]
    return int((first.view(bits) != second.view(bits)).sum())
