"""What is different in each file, as statements about operators and not as lines."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from opparity.change.compare.inspection import Inspected
    from opparity.words.statements import Statement


@dataclass(slots=True)
class Difference:
    """What is different in one file.

    Attributes:
        operators: those that it is about, in order.
        terms: names that mark the lines of it.
    """

    changes: list[Statement] = field(default_factory=list)
    effects: list[Statement] = field(default_factory=list)
    operators: dict[str, None] = field(default_factory=dict)
    terms: set[str] = field(default_factory=set)

    def about(self, operator: str) -> None:
        """Say that an operator is concerned."""
        self.operators[operator] = None
        self.terms.add(operator.rpartition("::")[2])


@dataclass(slots=True)
class Differences:
    """The differences of two trees, by path."""

    before: Inspected
    after: Inspected
    changed: frozenset[str]
    by_path: dict[str, Difference] = field(default_factory=dict)

    def at(self, path: str) -> Difference:
        """Return a file's difference, made when first asked for."""
        return self.by_path.setdefault(path, Difference())
