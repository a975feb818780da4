"""Memory for an attack's tensors: blocks between pages that nobody may touch, and their bytes."""

from __future__ import annotations

import ctypes
import mmap
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

SIZE = 1 << 20
# Bytes before and behind a tensor that are looked at after a call.
BAND = 512
# Addresses that no float32 number is meant to have.
SHIFTS = (0, 1, 2)
_NO_ACCESS = 0
_LIBC = ctypes.CDLL(None, use_errno=True)


class Arena:
    """One block of memory; the pages before and behind it end a process that touches them."""

    def __init__(self) -> None:
        self._mapping = mmap.mmap(-1, SIZE + 2 * mmap.PAGESIZE)
        first = ctypes.addressof(ctypes.c_char.from_buffer(self._mapping))
        for page in (first, first + mmap.PAGESIZE + SIZE):
            if _LIBC.mprotect(ctypes.c_void_p(page), mmap.PAGESIZE, _NO_ACCESS) != 0:
                raise OSError(ctypes.get_errno(), "mprotect")
        self.address = first + mmap.PAGESIZE
        self._memory = (ctypes.c_uint8 * SIZE).from_address(self.address)
        self._views: dict[tuple[int, torch.dtype], Tensor] = {}
        self.bytes = self.view(torch.uint8, 0)

    def view(self, dtype: torch.dtype, shift: int) -> Tensor:
        """Return all of it as numbers of a dtype; with a shift, at addresses that are odd."""
        key = (shift, dtype)
        if key not in self._views:
            count = (SIZE - shift) // 8 * 8
            whole = torch.frombuffer(self._memory, dtype=torch.uint8, offset=shift, count=count)
            self._views[key] = whole.view(dtype)
        return self._views[key]


@dataclass(slots=True)
class Placed:
    """A tensor in an arena, and the bytes that it spans."""

    tensor: Tensor
    arena: Arena
    begin: int
    end: int


def span_of(sizes: tuple[int, ...], strides: tuple[int, ...], element: int) -> int:
    """Return how many bytes lie from a tensor's first to its last one."""
    if 0 in sizes:
        return 0
    return (1 + sum((n - 1) * s for n, s in zip(sizes, strides, strict=True))) * element


def place(
    arena: Arena,
    sizes: tuple[int, ...],
    strides: tuple[int, ...],
    dtype: torch.dtype,
    begin: int,
    shift: int = 0,
) -> Placed:
    """Return a tensor whose first byte is the one at `begin`, or less to fit the dtype."""
    element = dtype.itemsize
    span = span_of(sizes, strides, element)
    offset = max(min(begin, SIZE - 8 - span if shift else SIZE - span), 0) // element
    tensor = arena.view(dtype, shift).as_strided(sizes, strides, offset)
    first = offset * element + shift
    return Placed(tensor, arena, first, first + span)


@dataclass(slots=True)
class Watched:
    """The bytes around the tensors of one arena, as they were before a call."""

    arena: Arena
    begin: int
    end: int
    before: Tensor
    written: list[Placed] = field(default_factory=list)

    @property
    def now(self) -> Tensor:
        return self.arena.bytes[self.begin : self.end]

    def restore(self) -> None:
        self.now.copy_(self.before)

    def foreign_write(self, *, answered: bool) -> int | None:
        """Return the first byte that changed and is no element of what may be written, or None."""
        after = self.now
        if not answered or not self.written:
            if torch.equal(after, self.before):
                return None
            changed = after != self.before
        else:
            changed = (after != self.before).to(torch.uint8)
            for placed in self.written:
                self._clear(changed, placed)
            if not changed.any():
                return None
        return self.begin + int(changed.nonzero()[0])

    def is_within(self, byte: int) -> bool:
        """Return whether a byte lies between the first and the last of a tensor to write to."""
        return any(placed.begin <= byte < placed.end for placed in self.written)

    def _clear(self, changed: Tensor, placed: Placed) -> None:
        """Forget what changed within a tensor's own elements."""
        tensor = placed.tensor
        if tensor.numel() == 0:
            return
        element = tensor.element_size()
        strides = (*(element * stride for stride in tensor.stride()), 1)
        sizes = (*tensor.shape, element)
        changed.as_strided(sizes, strides, placed.begin - self.begin).zero_()


def watch(placed: list[Placed], written: list[Placed]) -> list[Watched]:
    """Keep the bytes of arenas around tensors; those written may change in their elements."""
    edges: dict[int, tuple[Arena, int, int]] = {}
    for one in placed:
        key = one.arena.address
        _, begin, end = edges.get(key, (one.arena, SIZE, 0))
        edges[key] = (one.arena, min(begin, one.begin), max(end, one.end))
    watched = {}
    for key, (arena, begin, end) in edges.items():
        first, last = max(begin - BAND, 0), min(end + BAND, SIZE)
        watched[key] = Watched(arena, first, last, arena.bytes[first:last].clone())
    for one in written:
        watched[one.arena.address].written.append(one)
    return list(watched.values())


@cache
def _poisoning() -> tuple[Callable[..., object], Callable[..., object]] | None:
    """Return AddressSanitizer's functions where it is loaded."""
    try:
        return _LIBC.__asan_poison_memory_region, _LIBC.__asan_unpoison_memory_region
    except AttributeError:
        return None


class Poisoned:
    """Under AddressSanitizer nothing may touch the bytes around the tensors of a call."""

    def __init__(self, watched: list[Watched], placed: list[Placed]) -> None:
        self._watched, self._placed = watched, placed

    def __enter__(self) -> None:
        if (functions := _poisoning()) is None:
            return
        poison, unpoison = functions
        for one in self._watched:
            _call(poison, one.arena, one.begin, one.end)
        for two in self._placed:
            _call(unpoison, two.arena, two.begin, two.end)

    def __exit__(self, *error: object) -> None:
        if (functions := _poisoning()) is None:
            return
        for one in self._watched:
            _call(functions[1], one.arena, one.begin, one.end)


def _call(function: Callable[..., object], arena: Arena, begin: int, end: int) -> None:
    if end > begin:
        function(ctypes.c_void_p(arena.address + begin), ctypes.c_size_t(end - begin))
