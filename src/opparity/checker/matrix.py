"""The matrix: operator by platform, each answer with the places that say so."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from opparity.checker.conditions import Truth

if TYPE_CHECKING:
    from opparity.checker.facts import Related
    from opparity.checker.project import Project


@dataclass(frozen=True, slots=True)
class Answer:
    """Yes, no or unknown, and why."""

    truth: Truth
    places: tuple[Related, ...] = ()


@dataclass(frozen=True, slots=True)
class Cell:
    """What one platform has of one operator.

    Attributes:
        declared: a prototype of the bound function is visible.
        defined: the operator's schema is registered (`def`, or a binding).
        implemented: dispatch key -> an implementation is registered; key "" is every key.
        built: a source that the platform builds defines the bound function.
        called: Python calls the operator under guards that hold there.
    """

    declared: Answer
    defined: Answer
    implemented: tuple[tuple[str, Answer], ...]
    built: Answer
    called: Answer


@dataclass(frozen=True, slots=True)
class Row:
    """One operator on every platform; `cells` is parallel to `Matrix.platforms`."""

    operator: str
    symbols: tuple[str, ...]
    cells: tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class Matrix:
    """Every operator on every platform."""

    platforms: tuple[str, ...]
    rows: tuple[Row, ...]

    @property
    def unknown_share(self) -> float:
        """Return the part of all answers that are unknown, from 0 to 1."""
        answers = [
            answer.truth
            for row in self.rows
            for cell in row.cells
            for answer in (cell.declared, cell.defined, cell.built, cell.called)
        ]
        return answers.count(Truth.UNKNOWN) / len(answers) if answers else 0.0


def build_matrix(project: Project) -> Matrix:
    """Return the matrix of a project's operators."""
    labels = tuple(platform.label for platform in project.platforms)
    return Matrix(platforms=labels, rows=())
