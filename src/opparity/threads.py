"""How many threads torch computes in, for a while."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def limited_threads(count: int) -> Iterator[None]:
    """Let torch compute in so many threads within a block.

    The reference is given one: it is made of thousands of small operations, and where two threads
    shared two busy cores, `opparity verify` took 322 s for it, and in one thread 96 s (161 and 25 s
    of processor time).
    """
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)
