"""How long work takes at least, on machines that stop and start."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_TRIES = 4
# For so many bytes of a tree the checker has years: in a test it shall not be the time that ends
# its work, since a machine that was stopped meanwhile would end it too.
ENDLESS = 10**14


def least_seconds(work: Callable[[], object], enough: float) -> float:
    """Return the least processor seconds of a few tries, of which the first quick one is the last.

    A virtual machine that is stopped for a minute counts that minute as processor time of whatever
    ran; it seldom happens twice.

    Args:
        work: what to do; it can be done again.
        enough: with fewer seconds no other try is needed.
    """
    least = float("inf")
    for _ in range(_TRIES):
        started = time.process_time()
        work()
        least = min(least, time.process_time() - started)
        if least < enough:
            break
    return least
