"""Other processes that share the reading of a tree, and a garbage collector that stays out of it.

Work is handed out in batches, largest files first, and each batch's results come back in order.
"""

from __future__ import annotations

import gc
import multiprocessing
import os
import sys
import threading
from collections.abc import Callable, Generator, Hashable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager, suppress
from functools import partial
from typing import TYPE_CHECKING, Any, Generic, Self, TypeVar

from opparity.checker.languages.transport import register_records
from opparity.errors import OpparityError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from multiprocessing.connection import Connection

Result = TypeVar("Result")
# Stops wherever it has given other processes something to do and would wait for them.
Steps = Generator[None, None, Result]
# What a file is asked, by its path and content.
Question = Callable[[str, bytes], Hashable]

# More would wait for the one process that hands out the work and takes in the results.
_MOST_WORKERS = 8
# So many that the last one to finish is not waited for long: the largest file comes first.
_BATCHES_A_WORKER = 16
# What an unprivileged user's pipe may hold on Linux.
_PIPE = 1 << 20


class WorkerLost(OpparityError):
    """A process that read files for the check has ended before its time."""

    message = (
        "a process that read part of the tree ended unexpectedly; if memory ran out, "
        "exclude what is no part of the project ([tool.opparity] exclude)"
    )


class Workers:
    """Processes that read files, started when there is enough to read; a context manager."""

    def __init__(self, count: int | None = None) -> None:
        available = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else None
        self.count = min(count or available or os.cpu_count() or 1, _MOST_WORKERS)
        self._pool: ProcessPoolExecutor | None = None
        self._shared: object = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)

    def map(
        self,
        read: Callable[[Sequence[tuple[str, bytes]]], list[Result]],
        contents: Mapping[str, bytes],
        *,
        worthwhile: int,
        question: Question | None = None,  # noqa: ARG002 -- for those who remember
    ) -> Iterator[Result]:
        """Return the results of reading files, in no order; the reading starts at once.

        Args:
            read: reads a batch of (path, content); it and its results must be picklable.
            contents: the files.
            worthwhile: with fewer bytes than this, they are read here, when results are asked for.
            question: what a file is asked by `read`, given its path and content: who remembers
                results may take one for the same question; None where all are asked the same.

        Raises:
            WorkerLost: while results are asked for.
        """
        if self.count == 1 or sum(map(len, contents.values())) < worthwhile:
            return _read_here(read, contents)
        pool = self._started()
        largest_first = sorted(contents.items(), key=lambda item: (-len(item[1]), item[0]))
        step = self.count * _BATCHES_A_WORKER
        batches = [largest_first[start::step] for start in range(min(step, len(largest_first)))]
        return _flat(pool.map(read, batches))

    def text_facts(
        self, read: Callable[[str, bytes], Result], contents: Mapping[str, bytes]
    ) -> dict[str, Result]:
        """Return what each file's text says, read here: less than it takes to hand it out."""
        return {path: read(path, content) for path, content in contents.items()}

    def beside(
        self,
        function: Callable[..., Result],
        shared: object,
        *arguments: object,
        worthwhile: bool = True,
    ) -> Callable[[], Result]:
        """Have something worked out by another process, and return what waits for its result.

        That process inherits what is shared. Where none has been forked for it, since processes are
        started otherwise here or run already, it is worked out here when it is asked for.

        Raises:
            WorkerLost: while the result is asked for.
        """
        forks = multiprocessing.get_start_method() == "fork"
        is_there = self._pool is None or self._shared is shared
        if not (worthwhile and forks and is_there) or self.count == 1:
            return partial(function, shared, *arguments)
        self._shared = shared
        _inherited.append(shared)
        try:
            # All processes of a pool that forks are there after its first task.
            future = self._started().submit(_with_inherited, function, arguments)
        finally:
            _inherited.clear()

        def wait() -> Result:
            try:
                return future.result()
            except BrokenProcessPool as error:
                raise WorkerLost from error

        return wait

    def _started(self) -> ProcessPoolExecutor:
        if self._pool is None:
            register_records()
            self._pool = ProcessPoolExecutor(max_workers=self.count, initializer=register_records)
        return self._pool


def inherits() -> bool:
    """Return whether a process that is started now has what this one has, without being sent it.

    Not beside other threads: what they hold at that moment would be held for ever in it. Nor in a
    daemonic process, which may start none.
    """
    return (
        Workers().count > 1
        and multiprocessing.get_start_method() == "fork"
        and not multiprocessing.current_process().daemon
        and threading.active_count() == 1
    )


def apart(function: Callable[..., Result], *arguments: object) -> Callable[[], Result]:
    """Have something worked out by a process of its own, and return what waits for its result.

    There is no thread of this process that waits, which a process forked later would miss.

    Raises:
        WorkerLost: while the result is asked for.
    """
    if Workers().count == 1:
        return partial(function, *arguments)
    register_records()
    receiver, sender = multiprocessing.Pipe(duplex=False)
    _widen(sender)
    process = multiprocessing.Process(
        target=_send_result, args=(sender, function, arguments), daemon=True
    )
    process.start()
    sender.close()

    def wait() -> Result:
        try:
            with receiver:
                result, error = receiver.recv()
        except EOFError as error:
            raise WorkerLost from error
        process.join()
        if error is not None:
            raise error
        found: Result = result
        return found

    return wait


def _widen(sender: Connection) -> None:
    """Have a pipe hold more than Linux's 64 KiB: a tree of vLLM has 87 MB."""
    if sys.platform == "linux":
        from fcntl import F_SETPIPE_SZ, fcntl  # noqa: PLC0415 -- no other system has it

        with suppress(PermissionError):  # all of a user's pipes together hold no more
            fcntl(sender.fileno(), F_SETPIPE_SZ, _PIPE)


def _send_result(
    sender: Connection, function: Callable[..., object], arguments: Sequence[object]
) -> None:
    register_records()
    with sender:
        try:
            sender.send((function(*arguments), None))
        except Exception as error:  # noqa: BLE001 -- raised where the result is waited for
            sender.send((None, error))


def finished(steps: Steps[Result]) -> Result:
    """Return what something comes to that stops wherever it would wait for other processes."""
    while True:
        try:
            next(steps)
        except StopIteration as end:
            result: Result = end.value
            return result


def in_turn(every: Iterable[Steps[Result]]) -> Iterator[Result]:
    """Yield what each comes to; while one would wait for other processes, the next one goes on.

    Each is begun when the one before it waits for the second time, and then stays behind it: what
    that one has read by then need not be read again.
    """
    waiting = map(_Stepping, every)
    current = next(waiting, None)
    while current is not None:
        current.step()
        current.step()
        following = None if current.is_done else next(waiting, None)
        while not current.is_done:
            if following is not None:
                following.step()
            current.step()
        yield current.result
        current = following or next(waiting, None)


class _Stepping(Generic[Result]):
    """Something that is done in steps, as far as it is done."""

    result: Result

    def __init__(self, steps: Steps[Result]) -> None:
        self.steps = steps
        self.is_done = False

    def step(self) -> None:
        """Go on to where it would wait again, or to the end."""
        if not self.is_done:
            try:
                next(self.steps)
            except StopIteration as end:
                self.result = end.value
                self.is_done = True


# What the processes have from the one that forked them.
_inherited: list[Any] = []


def _with_inherited(function: Callable[..., Result], arguments: Sequence[object]) -> Result:
    return function(_inherited[0], *arguments)


def _read_here(
    read: Callable[[Sequence[tuple[str, bytes]]], list[Result]], contents: Mapping[str, bytes]
) -> Iterator[Result]:
    yield from read(list(contents.items()))


def _flat(lists: Iterator[list[Result]]) -> Iterator[Result]:
    try:
        for each in lists:
            yield from each
    except BrokenProcessPool as error:
        raise WorkerLost from error


@contextmanager
def collector_paused() -> Iterator[None]:
    """Keep the garbage collector from walking syntax trees and facts, which hold no cycles.

    With it, parsing vLLM 0.33.0's Python takes 3.0 s instead of 1.8 s, and its check 0.05 s more.
    Processes that are forked meanwhile inherit the pause; the trees themselves are freed by their
    reference counts.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            if gc.get_freeze_count() == 0:
                # Afterwards all objects are old ones. As new ones, those of the pause would be
                # looked through at once: 0.03 s for vLLM 0.33.0.
                gc.freeze()
                gc.unfreeze()
            gc.enable()
