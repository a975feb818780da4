"""The change report as a page."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from markupsafe import Markup, escape

from opparity.change.model import CellChangeKind, RowChange, bases
from opparity.checker.analysis.verdict import CellVerdict
from opparity.pages.excerpts import highlighted, highlighted_excerpt
from opparity.pages.shell import breakable, render_page
from opparity.words.catalogue import PieceKind, words
from opparity.words.pages import page_words
from opparity.words.statements import state

if TYPE_CHECKING:
    from collections.abc import Iterable

    from opparity.change.model import CellState, ChangeReport, MatrixChange, MatrixRow
    from opparity.words.catalogue import Catalogue, Piece
    from opparity.words.statements import Statement, Value

_LETTERS = ("declared", "registered", "implemented", "built", "called")


@dataclass(frozen=True, slots=True)
class Mark:
    """One cell of the matrix: what became of it, and what it was and is."""

    kind: CellChangeKind
    before: CellVerdict
    after: CellVerdict
    guards: tuple[str, str]
    letters: tuple[str, str]

    @property
    def keys(self) -> str:
        """Return what the filter looks for."""
        return f"{self.kind.value} {self.after.value}"


@dataclass(frozen=True, slots=True)
class Line:
    """One operator of the matrix."""

    row: MatrixRow
    marks: tuple[Mark, ...]

    @property
    def is_changed(self) -> bool:
        """Tell whether anything is different."""
        return self.row.change is not RowChange.SAME


@dataclass(frozen=True, slots=True)
class Table:
    """The matrix as the template prints it; `counts` has how often each change happened."""

    platforms: tuple[str, ...]
    lines: tuple[Line, ...]
    counts: tuple[Counter[CellChangeKind], ...]
    verdicts: tuple[CellVerdict, ...]

    @property
    def changed(self) -> int:
        """Return how many operators changed; the places of few are shown at once."""
        return sum(line.is_changed for line in self.lines)

    @property
    def kinds(self) -> list[CellChangeKind]:
        """Return the changes that occur, in their order."""
        occurring = [kind for kind in CellChangeKind if any(count[kind] for count in self.counts)]
        return [kind for kind in occurring if kind is not CellChangeKind.SAME]


def render(report: ChangeReport, catalogue: Catalogue) -> str:
    """Return the whole report as one HTML file."""
    return render_page(
        "change.html",
        page_words(catalogue.language.value),
        report=report,
        bases=bases(report.before, report.after),
        table=tabulate(report.matrix),
        joint=" " if catalogue.language.value == "en" else "",
        text=catalogue.word,
        rich=lambda text: marked(words(text)),
        say=lambda statement: said(catalogue, statement),
        state=lambda key, **values: said(catalogue, _state(key, values)),
        rule=lambda code, part: marked(catalogue.rule(code, part)),
        highlighted=lambda path, line: highlighted(path, [line])[0],
        highlighted_excerpt=highlighted_excerpt,
    )


def tabulate(matrix: MatrixChange) -> Table:
    """Return what the template needs of a matrix."""
    lines = tuple(
        Line(
            row,
            tuple(
                Mark(
                    cell.kind,
                    _verdict(cell.before),
                    _verdict(cell.after),
                    (_guard(cell.before), _guard(cell.after)),
                    (_letters(cell.before), _letters(cell.after)),
                )
                for cell in row.cells
            ),
        )
        for row in matrix.rows
    )
    counts = tuple(
        Counter(line.marks[column].kind for line in lines)
        for column in range(len(matrix.platforms))
    )
    occurring = {mark.after for line in lines for mark in line.marks}
    verdicts = tuple(verdict for verdict in CellVerdict if verdict in occurring)
    return Table(matrix.platforms, lines, counts, verdicts)


def said(catalogue: Catalogue, statement: Statement) -> Markup:
    """Return a statement as HTML: what is not the catalogue's own words is escaped."""
    return marked(catalogue.say(statement))


def marked(pieces: Iterable[Piece]) -> Markup:
    """Return a sentence's pieces as HTML."""
    return Markup().join(map(_marked, pieces))


def _marked(piece: Piece) -> Markup:
    match piece.kind:
        case PieceKind.WORDS:
            return escape(piece.text)
        case PieceKind.PLATFORM:
            return Markup('<b class="platform">{}</b>').format(breakable(piece.text))
        case PieceKind.CODE | PieceKind.VALUE:
            return Markup("<code>{}</code>").format(breakable(piece.text))


def _state(key: str, values: dict[str, Value]) -> Statement:
    return state(key, **values)


def _verdict(cell: CellState | None) -> CellVerdict:
    return cell.verdict if cell else CellVerdict.ABSENT


def _guard(cell: CellState | None) -> str:
    return cell.guard if cell else ""


def _letters(cell: CellState | None) -> str:
    """Return a capital for yes, a dot for no and a question mark for unknown, five in all."""
    answers = [getattr(cell, name) if cell else "no" for name in _LETTERS]
    return "".join(
        {"yes": letter, "no": ".", "unknown": "?"}[answer]
        for letter, answer in zip("DRIBC", answers, strict=True)
    )
