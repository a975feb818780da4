"""What a comparison with somebody else's code is, and what it found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


@dataclass(frozen=True)
class Found:
    """How many values were compared, how many differ, and how many of these for no known reason."""

    values: int
    differ: int
    unexplained: int

    def __add__(self, other: Found) -> Found:
        return Found(
            self.values + other.values,
            self.differ + other.differ,
            self.unexplained + other.unexplained,
        )


@dataclass(frozen=True)
class Comparison:
    """One comparison of ours with a peer's.

    Attributes:
        peer: the project and its version.
        what: of theirs, and the format or input.
        run: returns what was found, by what was compared: "scales", "codes".
        why: where and why they differ; empty where nothing does.
    """

    peer: str
    what: str
    run: Callable[[], Mapping[str, Found]]
    why: str = ""


def compare(ours: Tensor, theirs: Tensor, explained: Tensor | None = None) -> Found:
    """Compare bytes.

    Args:
        ours: any shape; of the same number of bytes as `theirs`.
        theirs: the peer's.
        explained: bool, where a difference is expected, of a shape that broadcasts to `ours`.
    """
    left, right = bytes_of(ours), bytes_of(theirs)
    assert left.numel() == right.numel()
    different = (left != right.view(left.shape)).flatten().view(ours.numel(), -1).any(dim=1)
    known = torch.zeros((), dtype=torch.bool) if explained is None else explained
    unexplained = different & ~known.expand(ours.shape).reshape(-1)
    return Found(ours.numel(), int(different.sum()), int(unexplained.sum()))


def bytes_of(tensor: Tensor) -> Tensor:
    """Return a tensor's bytes, [..., bytes]."""
    return tensor.contiguous().view(torch.uint8)


def nibbles(packed: Tensor) -> Tensor:
    """Return codes of four bits one a byte, [..., 2 * width], the low nibble first."""
    data = bytes_of(packed)
    return torch.stack((data & 15, data >> 4), dim=-1).flatten(-2)


def by_group(mask: Tensor, group_size: int) -> Tensor:
    """Return a mask of groups [rows, groups] as one of their elements [rows, width]."""
    return mask.repeat_interleave(group_size, dim=-1)
