"""One thread instead of several, for a while."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def one_thread() -> Iterator[None]:
    """Let torch compute in one thread within a block.

    The reference is made of thousands of small operations: where two threads shared two busy cores,
    `opparity verify` took 322 s for it, and in one thread 96 s (161 and 25 s of processor time).
    """
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
