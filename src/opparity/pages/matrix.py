"""The matrix as a page: a status for each operator and platform, and the places behind it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from opparity.checker.analysis.verdict import CellVerdict, verdict_of
from opparity.checker.facts.conditions import Truth
from opparity.checker.reports.matrix import letters
from opparity.pages.shell import render_page
from opparity.words.catalogue import english
from opparity.words.pages import page_words

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opparity.checker.analysis.matrix import Answer, Cell, Matrix, Row
    from opparity.checker.facts.places import Related


# What is not registered and may be called from Python all the same.
_CALLED = "called"
_STATUSES = (*(each.value for each in CellVerdict if each is not CellVerdict.ABSENT), _CALLED)
_STATUSES += (CellVerdict.ABSENT.value,)


@dataclass(frozen=True, slots=True)
class Place:
    """A line of source, and the platforms for which it answers."""

    path: str
    line: int
    message: str
    platforms: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Fact:
    """One question about an operator: its answer by platform, and the places that say so.

    Attributes:
        name: which question, a key of the words.
        key: the dispatch key of an implementation; "" elsewhere.
        answers: "yes", "no" and "unknown", each with its platforms; those without are left out.
    """

    name: str
    key: str
    answers: tuple[tuple[str, tuple[str, ...]], ...]
    places: tuple[Place, ...]


@dataclass(frozen=True, slots=True)
class Mark:
    """One cell of the table; its status is the verdict's word, or "called"."""

    status: str
    letters: str


@dataclass(frozen=True, slots=True)
class Line:
    """One operator of the table."""

    operator: str
    symbols: tuple[str, ...]
    marks: tuple[Mark, ...]
    facts: tuple[Fact, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """The matrix as the template prints it."""

    platforms: tuple[str, ...]
    lines: tuple[Line, ...]
    counts: tuple[Counter[str], ...]
    unknown_share: float

    @property
    def statuses(self) -> list[str]:
        """Return the statuses that occur, in their order."""
        return [status for status in _STATUSES if any(count[status] for count in self.counts)]


def render(project: str, matrix: Matrix) -> str:
    """Return the page of a matrix."""
    return render_page("matrix.html", page_words("en"), project=project, table=tabulate(matrix))


def tabulate(matrix: Matrix) -> Table:
    """Return what the template needs of a matrix."""
    lines = tuple(_line(row, matrix.platforms) for row in matrix.rows)
    counts = tuple(
        Counter(line.marks[column].status for line in lines)
        for column in range(len(matrix.platforms))
    )
    return Table(matrix.platforms, lines, counts, matrix.unknown_share)


def status_of(cell: Cell) -> str:
    """Return what a platform has of an operator: the verdict, and whether what lacks is called."""
    verdict = verdict_of(cell)
    is_called = verdict is CellVerdict.ABSENT and cell.called.truth is not Truth.FALSE
    return _CALLED if is_called else verdict.value


def _line(row: Row, platforms: tuple[str, ...]) -> Line:
    marks = tuple(Mark(status_of(cell), letters(cell)) for cell in row.cells)
    return Line(row.operator, row.symbols, marks, tuple(_facts(row, platforms)))


def _facts(row: Row, platforms: tuple[str, ...]) -> Iterator[Fact]:
    """Yield each question with the platforms' answers taken together."""
    keys = sorted({key for cell in row.cells for key, _ in cell.implemented})
    yield _fact("declared", "", [cell.declared for cell in row.cells], platforms)
    yield _fact("defined", "", [cell.defined for cell in row.cells], platforms)
    for key in keys:
        answers = [dict(cell.implemented).get(key) for cell in row.cells]
        yield _fact("implemented", key, answers, platforms)
    yield _fact("built", "", [cell.built for cell in row.cells], platforms)
    yield _fact("python", "", [cell.called for cell in row.cells], platforms)


_ANSWERS = {Truth.TRUE: "yes", Truth.FALSE: "no", Truth.UNKNOWN: "unknown"}


def _fact(
    name: str, key: str, answers: list[Answer] | list[Answer | None], platforms: tuple[str, ...]
) -> Fact:
    by_answer: dict[str, list[str]] = {text: [] for text in _ANSWERS.values()}
    by_place: dict[Related, list[str]] = {}
    for platform, answer in zip(platforms, answers, strict=True):
        by_answer[_ANSWERS[answer.truth if answer else Truth.FALSE]].append(platform)
        for related in answer.places if answer else ():
            by_place.setdefault(related, []).append(platform)
    return Fact(
        name,
        key,
        tuple((text, tuple(found)) for text, found in by_answer.items() if found),
        tuple(
            Place(related.location.path, related.location.line, english(related.note), tuple(found))
            for related, found in by_place.items()
        ),
    )
