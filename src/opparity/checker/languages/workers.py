"""Processes that share the reading of a tree."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Hashable
from typing import TYPE_CHECKING, Self, TypeVar

from opparity.checker import bounds
from opparity.checker.facts.places import problem
from opparity.errors import OpparityError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from concurrent.futures import ProcessPoolExecutor

    from opparity.checker.facts.places import Problem

Result = TypeVar("Result")
# What a file is asked, by its path and content.
Question = Callable[[str, bytes], Hashable]

# More would wait for the one process that hands out the work and takes in the results.
_MOST_WORKERS = 8
# So many that the last one to finish is not waited for long: the largest file comes first.
_BATCHES_A_WORKER = 16
_ALONE = (
    "no further process can be started ({error}): files are read by this one, which takes longer"
)


class WorkerLost(OpparityError):
    """A process that read files for the check has ended before its time."""

    message = (
        "a process that read part of the tree ended unexpectedly; if memory ran out, "
        "exclude what is no part of the project ([tool.opparity] exclude)"
    )


class Workers:
    """Processes that read files, started when there is enough to read; a context manager.

    Attributes:
        unread: the files whose text took more than one may take.
    """

    def __init__(self, count: int | None = None) -> None:
        available = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else None
        self.count = min(count or available or os.cpu_count() or 1, _MOST_WORKERS)
        self._pool: ProcessPoolExecutor | None = None
        self.unread: dict[str, Problem] = {}

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

        The files are read here where they are few, and where no process can be started, which is
        said on standard error.

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
            return iter(read(list(contents.items())))
        from concurrent.futures.process import BrokenProcessPool  # noqa: PLC0415 -- as in _shared
        from multiprocessing import active_children  # noqa: PLC0415

        others = set(active_children())
        try:
            return _flat(self._shared(read, contents))
        except BrokenProcessPool as error:
            raise WorkerLost from error
        except (OSError, RuntimeError) as error:
            # No process or thread can be started: a container's limit, or the user's. Those that
            # did start would be waited for when Python ends.
            for started in set(active_children()) - others:
                started.terminate()
            self._pool, self.count = None, 1
            sys.stderr.write(f"opparity: {_ALONE.format(error=error)}\n")
            return iter(read(list(contents.items())))

    def _shared(
        self,
        read: Callable[[Sequence[tuple[str, bytes]]], list[Result]],
        contents: Mapping[str, bytes],
    ) -> Iterator[list[Result]]:
        if self._pool is None:
            # Small trees are read without: 0.01 s of the 0.3 that a command takes to start.
            from concurrent.futures import ProcessPoolExecutor  # noqa: PLC0415

            self._pool = ProcessPoolExecutor(
                self.count, initializer=bounds.join, initargs=(bounds.shared(),)
            )
        largest_first = sorted(contents.items(), key=lambda item: (-len(item[1]), item[0]))
        step = self.count * _BATCHES_A_WORKER
        batches = [largest_first[start::step] for start in range(min(step, len(largest_first)))]
        return self._pool.map(read, batches)

    def text_facts(
        self, read: Callable[[str, bytes], Result], contents: Mapping[str, bytes]
    ) -> dict[str, Result]:
        """Return what each file's text says, read here: less than it takes to hand it out.

        A file that takes more than its share is as one without a word, and named in `unread`.
        """
        return {path: self._text_fact(read, path, content) for path, content in contents.items()}

    def _text_fact(self, read: Callable[[str, bytes], Result], path: str, content: bytes) -> Result:
        def give_up() -> Result:
            self.unread[path] = costly(path)
            return read(path, b"")

        return bounds.share(lambda: read(path, content), give_up)


def costly(path: str) -> Problem:
    """Return the problem of a file that takes more than its share."""
    return problem(path, "unread.costly")


def _flat(lists: Iterator[list[Result]]) -> Iterator[Result]:
    from concurrent.futures.process import BrokenProcessPool  # noqa: PLC0415 -- as above

    try:
        for each in lists:
            yield from each
    except BrokenProcessPool as error:
        raise WorkerLost from error
