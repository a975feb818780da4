"""Memory that a kernel writes to, between guards, with what it has to hold in the end."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

_POISON = 0xA5
_GUARD = 256


@dataclass(slots=True)
class Memory:
    """Bytes between guards that the kernel may write to, and what they have to be in the end."""

    bytes: Tensor
    expected: Tensor
    address: int
    start: int
    strides: tuple[int, int] = (1, 1)

    @classmethod
    def of_rows(cls, rows: Tensor, row_bytes: int, *, offset: int) -> Memory:
        """Return memory for rows that are `row_bytes` apart and begin `offset` past a boundary."""
        expected = torch.full((rows.shape[0] * row_bytes,), _POISON, dtype=torch.uint8)
        plain = _plain_bytes(rows).view(rows.shape[0], rows.shape[1] * rows.element_size())
        expected.as_strided(plain.shape, (row_bytes, 1)).copy_(plain)
        memory = cls._between_guards(torch.full_like(expected, _POISON), expected, offset)
        memory.strides = (row_bytes, 1)
        return memory

    @classmethod
    def of_scales(cls, placed: Tensor, written: Tensor) -> Memory:
        """Return memory for scales; what the kernel does not write is zero before and after."""
        expected = torch.frombuffer(bytearray(storage_bytes(placed)), dtype=torch.uint8)
        mask = torch.frombuffer(bytearray(storage_bytes(written)), dtype=torch.uint8)
        return cls._between_guards((mask != 0).to(torch.uint8) * _POISON, expected, 0)

    @classmethod
    def _between_guards(cls, before: Tensor, after: Tensor, offset: int) -> Memory:
        start = _GUARD + offset
        first = torch.full((start + len(before) + _GUARD,), _POISON, dtype=torch.uint8)
        last = first.clone()
        first[start : start + len(before)] = before
        last[start : start + len(before)] = after
        address = first.data_ptr() + start
        assert (address - offset) % 16 == 0
        return cls(first, last, address, start)

    def expect(self, rows: Tensor) -> None:
        """Have other rows of the same shape in the same places in the end."""
        plain = _plain_bytes(rows).view(rows.shape[0], -1)
        self.expected.as_strided(plain.shape, self.strides, self.start).copy_(plain)

    def difference(self) -> str | None:
        """Say where the bytes are not as expected; None where all are."""
        wrong = (self.bytes != self.expected).nonzero().flatten()
        if not len(wrong):
            return None
        first = int(wrong[0])
        got, expected = int(self.bytes[first]), int(self.expected[first])
        offset = first - (self.address - self.bytes.data_ptr())
        return f"{len(wrong)} bytes, first {got:#x} instead of {expected:#x} at {offset}"


def every_byte(scales: Tensor) -> Tensor:
    """Return scales of which no byte is zero, which a layout leaves where it writes."""
    ones = torch.ones(*scales.shape, scales.element_size(), dtype=torch.uint8)
    return ones.view(scales.dtype).squeeze(-1)


def _plain_bytes(tensor: Tensor) -> Tensor:
    return tensor.contiguous().view(torch.uint8)


def storage_bytes(tensor: Tensor) -> bytes:
    """Return all bytes of a tensor's memory, those between its elements too."""
    storage = tensor.untyped_storage()
    return bytes(torch.empty(0, dtype=torch.uint8).set_(storage).tolist())
