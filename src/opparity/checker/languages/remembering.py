"""Reading of trees that share most of their files: two sides of a change, release after release."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from opparity.checker.languages.workers import Workers

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence

    from opparity.checker.languages.workers import Question

Result = TypeVar("Result")
# How a file was read and what it was asked, its path and its content.
Key = tuple["Hashable", str, bytes]
Memory = dict[Key, Any]


class RememberingWorkers(Workers):
    """Workers that read a file anew only if it is another one than in the tree before.

    Between two commits that is nearly every file; of vLLM 0.20.0's 269 native files 152 are those
    of 0.19.1. The reading of a tree may begin while that of the one before goes on.
    """

    def __init__(self, count: int | None = None) -> None:
        super().__init__(count)
        self._before: Memory = {}
        self._now: Memory = {}

    def next_tree(self) -> None:
        """Begin another tree; what the one before the last had is forgotten."""
        self._before, self._now = self._now, {}
        self.unread = {}

    def map(
        self,
        read: Callable[[Sequence[tuple[str, bytes]]], list[Result]],
        contents: Mapping[str, bytes],
        *,
        worthwhile: int,
        question: Question | None = None,
    ) -> Iterator[Result]:
        """Return the results of reading files, in no order; each has the path of its file."""
        how = read.func if isinstance(read, partial) else read
        keys = {
            path: ((how, question(path, content) if question else None), path, content)
            for path, content in contents.items()
        }
        known: dict[str, Result] = {}
        for path, key in keys.items():
            memory = self._now if key in self._now else self._before
            if key in memory:
                known[path] = memory[key]
        others = {path: content for path, content in contents.items() if path not in known}
        results = super().map(read, others, worthwhile=worthwhile)
        return self._kept(keys, known, results)

    def text_facts(
        self, read: Callable[[str, bytes], Result], contents: Mapping[str, bytes]
    ) -> dict[str, Result]:
        """Return what each file's text says, of those that are other ones than before read here."""
        found: dict[str, Result] = {}
        for path, content in contents.items():
            key = (read, path, content)
            memory = self._now if key in self._now else self._before
            found[path] = self._now[key] = (
                memory[key] if key in memory else self._text_fact(read, path, content)
            )
        return found

    def _kept(
        self, keys: Mapping[str, Key], known: Mapping[str, Result], results: Iterator[Any]
    ) -> Iterator[Result]:
        for path, result in known.items():
            self._now[keys[path]] = result
            yield result
        for each in results:
            self._now[keys[each.path]] = each
            yield each
