"""What the interpreters of CMake and of build scripts in Python share: steps, and ways to go on."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

Value = TypeVar("Value")


class OutOfSteps(Exception):
    """A build takes more steps than any has; its evaluation ends here."""


# Of one evaluation; vLLM 0.33.0's CMake takes 400 (CPU) to 10,852 (CUDA).
_MOST = 100_000
# All evaluations of a tree together, and so many more for each: enough for hundreds of projects,
# while files made to take long take 2 s together and not each (Xeon of 2.3 GHz).
_OF_A_TREE = 300_000
_FOR_EACH = 3_000
_PARTS_A_STEP = 50
_CHARACTERS_A_PART = 40


@dataclass(slots=True)
class Steps:
    """The steps that one evaluation takes, and how many it may."""

    most: int = _MOST
    taken: int = 0
    parts: int = 0

    @property
    def are_used_up(self) -> bool:
        """Tell whether it took more than it may."""
        return self.taken > self.most

    def count(self, number: int = 1) -> None:
        """Count what takes about as long as so many plain statements.

        Raises:
            OutOfSteps: it was too much.
        """
        self.taken += number
        if self.taken > self.most:
            raise OutOfSteps

    @contextmanager
    def running(self) -> Iterator[None]:
        """Have `charge` count here what happens inside."""
        global _running  # noqa: PLW0603 -- one evaluation runs at a time
        outer, _running = _running, self
        try:
            yield
        finally:
            _running = outer


_running: Steps | None = None


def charge(parts: int) -> None:
    """Count work on so many elements of values, of which a step has many.

    Characters that Python's own methods go through count for less: `charge_text`.

    Raises:
        OutOfSteps: the evaluation that is running has taken too many.
    """
    if _running is not None:
        steps, _running.parts = divmod(_running.parts + parts, _PARTS_A_STEP)
        if steps:
            _running.count(steps)


def charge_text(characters: int) -> None:
    """Count work on text that Python's own methods do.

    Raises:
        OutOfSteps: the evaluation that is running has taken too many.
    """
    charge(characters // _CHARACTERS_A_PART)


@dataclass(slots=True)
class Budget:
    """The steps that the builds of a tree may take together, and are left to them."""

    left: int = _OF_A_TREE

    def grant(self) -> Steps:
        """Return what one more evaluation may take."""
        self.left += _FOR_EACH
        return Steps(min(_MOST, self.left))

    def settle(self, steps: Steps) -> None:
        """Take off what an evaluation took."""
        self.left = max(self.left - steps.taken, 0)


def merge_ways(
    ways: Sequence[Mapping[str, Value]], join: Callable[[Value | None, Value | None], Value]
) -> dict[str, Value]:
    """Return what each name stands for after several ways that may each have been taken.

    Args:
        ways: the names after each way, one at least.
        join: makes one value of two, None where a way does not set the name.
    """
    merged = dict(ways[0])
    for way in ways[1:]:
        missing = merged.keys() - way.keys()
        for name, value in way.items():
            known = merged.get(name)
            if known is not value:
                merged[name] = join(known, value)
        for name in missing:
            merged[name] = join(merged[name], None)
    return merged
