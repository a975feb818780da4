"""Variables of a CMake evaluation, kept and merged where a condition leaves the way open."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from opparity.checker.languages.cmake.values import merge
from opparity.checker.languages.interpreting import merge_ways

if TYPE_CHECKING:
    from collections.abc import Mapping

    from opparity.checker.languages.interpreting import Steps

# So many variables are copied in about the time of a step.
_VARIABLES_A_STEP = 100
# The variables of a scope and of those around it, innermost first.
Snapshot = list[dict[str, str]]


@dataclass(slots=True)
class Scope:
    """Variables of a function, a directory or the top."""

    variables: dict[str, str]
    parent: Scope | None = None

    def inner(self, steps: Steps) -> Scope:
        """Return a scope in this one, which has the same variables at first."""
        return Scope(copied(self.variables, steps), self)

    def snapshot(self, steps: Steps) -> Snapshot:
        """Return what all variables are now."""
        found = []
        scope: Scope | None = self
        while scope is not None:
            found.append(copied(scope.variables, steps))
            scope = scope.parent
        return found

    def restore(self, snapshot: Snapshot) -> None:
        """Set all variables to what they were."""
        scope: Scope | None = self
        for variables in snapshot:
            if scope is not None:
                scope.variables = dict(variables)
                scope = scope.parent


def copied(variables: Mapping[str, str], steps: Steps) -> dict[str, str]:
    """Return a copy of variables, having counted the time that it takes.

    Raises:
        OutOfSteps: it was too much.
    """
    steps.count(len(variables) // _VARIABLES_A_STEP)
    return dict(variables)


def merged(outcomes: list[Snapshot]) -> Snapshot:
    """Return what is known after several ways that may each have been taken."""
    return [merge_ways(levels, _either) for levels in zip(*outcomes, strict=True)]


def _either(one: str | None, other: str | None) -> str:
    return merge(one or "", other or "")
