"""How much processor time and memory a tree may take, whatever it holds.

Readers count steps, cut what they build and use engines of linear time. This stands behind them:
a timer looks every tenth of a second of processor time at what was used, and interrupts the work
that has taken more than its share. Whoever gave the work then names the file that it was about.
"""

from __future__ import annotations

import math
import resource
import signal
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from opparity.errors import OpparityError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, MutableSequence
    from multiprocessing.sharedctypes import Synchronized

Result = TypeVar("Result")

# What a tree may take in seconds: so many, and as many more for each megabyte that is read of it.
# vLLM 0.33.0's 87 MB take 7.
_SECONDS = 10.0
_MEGABYTE = 1_000_000
# Of these, how many have passed where reading ends, and where the rules do; the rest is for the
# interpreter's start and the report.
READING = 0.5
RULES = 0.75
_REPORT = 0.9
# One file's share of what is left to reading: one that takes it all leaves the others theirs.
_OF_ONE_FILE = 0.4
# Of all processes together; vLLM 0.33.0 takes 0.2 GB.
_MOST_BYTES = 900_000_000
_EVERY = 0.1
# The one that was started, and a pool.
_PROCESSES = 16


class BoundReached(BaseException):
    """Work has taken more than its share; no `except Exception` may take it for a mistake."""


class TreeTooCostly(OpparityError):
    """A tree takes more than any may, in a part of the work that is about no single file."""

    message = (
        "{project}: not checked: {doing} takes more processor time or memory than a tree of "
        "{megabytes:.1f} MB may take ({seconds:.0f} s, 0.9 GB); the largest file that was read is "
        "{path}: exclude what is no part of the project ([tool.opparity] exclude)"
    )


@dataclass(slots=True)
class Ledger:
    """What each process has used, in a place that it alone writes.

    Attributes:
        allowed: the seconds that the trees of this command may take, in its first place.
        joined: how many processes of a pool have a place; None before there is any.
    """

    seconds: MutableSequence[float] = field(default_factory=lambda: [0.0] * _PROCESSES)
    memory: MutableSequence[float] = field(default_factory=lambda: [0.0] * _PROCESSES)
    allowed: MutableSequence[float] = field(default_factory=lambda: [0.0])
    joined: Synchronized[int] | None = None

    def share(self) -> None:
        """Have processes that are started now see and write the same."""
        import multiprocessing  # noqa: PLC0415 -- small trees are read without, 0.05 s sooner

        if self.joined is None:
            self.seconds = multiprocessing.RawArray("d", self.seconds)
            self.memory = multiprocessing.RawArray("d", self.memory)
            self.allowed = multiprocessing.RawArray("d", self.allowed)
            self.joined = multiprocessing.Value("i", 0)
        self.joined.value = 0


@dataclass(slots=True)
class _Watch:
    """The bounds of one process.

    Attributes:
        number: its place in the ledger.
        earlier: the seconds that it, or the one that had its place before, is not to count; and
        before: the bytes of memory that it had already.
        part: how much of what the command may take is for the work of now; and
        until: how much of it for the file of now.
        trees: how many trees were opened so far.
    """

    ledger: Ledger
    number: int
    earlier: float
    before: int = 0
    part: float = _REPORT
    until: float = math.inf
    trees: int = 0

    @property
    def used(self) -> float:
        """Return the processor seconds of all processes."""
        self.ledger.seconds[self.number] = time.process_time() - self.earlier
        return sum(self.ledger.seconds)

    @property
    def end(self) -> float:
        """Return how many seconds may have been used when the work of now ends."""
        return self.part * self.ledger.allowed[0]

    def look(self, *_: object) -> None:
        """Take a tick of the timer.

        Raises:
            BoundReached: the work of now has used what it may.
        """
        self.ledger.memory[self.number] = _own_memory() - self.before
        used, memory = self.used, sum(self.ledger.memory)
        if used > min(self.until, self.end) or memory > _MOST_BYTES:
            seconds = f"{used:.1f} of {min(self.until, self.end):.1f} s"
            raise BoundReached(f"{seconds}, {memory / 1e9:.2f} of {_MOST_BYTES / 1e9:.2f} GB")


_watch: _Watch | None = None


def _own_memory() -> int:
    """Return the bytes of memory that this process shares with no other; 0 where nobody says."""
    try:
        words = Path("/proc/self/statm").read_text("ascii").split()
    except OSError:
        return 0
    return (int(words[1]) - int(words[2])) * resource.getpagesize()


@contextmanager
def watched() -> Iterator[None]:
    """Keep a command within bounds; without effect inside of another, or in a second thread."""
    global _watch  # noqa: PLW0603 -- a process has one such timer
    if _watch is not None or threading.current_thread() is not threading.main_thread():
        yield
        return
    _watch = _Watch(Ledger(), 0, time.process_time(), _own_memory())
    _watch.ledger.allowed[0] = _SECONDS
    before = signal.signal(signal.SIGPROF, _watch.look)
    signal.setitimer(signal.ITIMER_PROF, _EVERY, _EVERY)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)
        _watch = None


def shared() -> Ledger | None:
    """Return what a pool's processes are to `join`; None where nothing is bounded."""
    if _watch is None:
        return None
    _watch.ledger.share()
    return _watch.ledger


def join(ledger: Ledger | None) -> None:
    """Have this process, one of a pool that reads, share the bounds of who started it."""
    global _watch  # noqa: PLW0603 -- as above
    _watch = None
    if ledger is None or ledger.joined is None:
        return
    with ledger.joined.get_lock():
        ledger.joined.value += 1
        number = ledger.joined.value
    # What an earlier pool's process used in this place stays counted.
    earlier = time.process_time() - ledger.seconds[number]
    _watch = _Watch(ledger, number, earlier, part=READING)
    signal.signal(signal.SIGPROF, _watch.look)
    signal.setitimer(signal.ITIMER_PROF, _EVERY, _EVERY)


def allow_tree() -> None:
    """Let the command take what a further tree may, be it empty."""
    if _watch is not None:
        # The first has its seconds from the start: it is looked for before it is opened.
        _watch.ledger.allowed[0] += _SECONDS * (_watch.trees > 0)
        _watch.trees += 1


def allow(size: int) -> None:
    """Let the command take what a further file of so many bytes may."""
    if _watch is not None:
        _watch.ledger.allowed[0] += _SECONDS * size / _MEGABYTE


def share(work: Callable[[], Result], otherwise: Callable[[], Result]) -> Result:
    """Return what comes of the work on one file, or something else where it takes too much."""
    if _watch is None:
        try:
            return work()
        except (MemoryError, RecursionError):
            return otherwise()
    outer = _watch.until
    used = _watch.used
    try:
        if used > min(outer, _watch.end):
            return otherwise()
        _watch.until = min(outer, used + _OF_ONE_FILE * (_watch.end - used))
        return work()
    except (BoundReached, MemoryError, RecursionError):
        _watch.until = outer
        return otherwise()
    finally:
        _watch.until = outer


def largest(places: Mapping[str, bytes | None]) -> str:
    """Return the largest file that was read of a tree; "." where none was."""
    return max(places, key=lambda path: (len(places[path] or b""), path), default=".")


@contextmanager
def stage(
    part: float, doing: str, project: str, places: Mapping[str, bytes | None]
) -> Iterator[None]:
    """Bound work on a tree as a whole.

    Args:
        part: READING or RULES: how much of what the command may take is used when it ends.
        doing: what the work is, for whoever has to be told that it took too much.
        project: the tree's name.
        places: the tree's files.

    Raises:
        TreeTooCostly: it took more than that.
    """
    outer = _watch.part if _watch is not None else 0.0
    if _watch is not None:
        _watch.part = part
    try:
        yield
    except (BoundReached, MemoryError):
        megabytes = sum(map(len, filter(None, places.values()))) / _MEGABYTE
        raise TreeTooCostly(
            project=project,
            doing=doing,
            megabytes=megabytes,
            seconds=_SECONDS * (1 + megabytes) * part,
            path=largest(places),
        ) from None
    finally:
        if _watch is not None:
            _watch.part = outer
