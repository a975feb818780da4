r"""Text that others wrote, made harmless for Markdown as GitHub renders it.

What is not ours stands in code: there GitHub makes no link, mention or reference of it, and
Markdown and HTML mean nothing. An escape alone would not do: `\@name` still notifies somebody.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from opparity.checker.tree.names import printable
from opparity.words.catalogue import PieceKind

if TYPE_CHECKING:
    from collections.abc import Iterable

    from opparity.words.catalogue import Catalogue, Piece
    from opparity.words.statements import Statement

# A platform's label that is a name and, at most, architectures: harmless as plain text.
_PLAIN_LABEL = re.compile(r"[a-z]\w{0,15}(:[a-z]{0,4}[0-9]+[a-z]?(\.[0-9]+[a-z]?)?)?", re.ASCII)
_RUNS = re.compile(r"`+")
_LONGEST = 400
# U+2223 DIVIDES: looks like a bar, and is no column's border.
_BAR_LOOKALIKE = "\u2223"


def code(text: str, *, longest: int = _LONGEST) -> str:
    """Return text as inline code, safe in a table's cell too; line ends become escapes."""
    shown = printable(text)
    if len(shown) > longest:
        shown = shown[:longest] + "…"
    if not shown.strip():
        return "—"
    # In a table `\\|` is a bar and not a border, unless a backslash of the text precedes it.
    shown = shown.replace("|", _BAR_LOOKALIKE if "\\" in shown else "\\|")
    fence = "`" * (max(map(len, _RUNS.findall(shown)), default=0) + 1)
    pad = " " if shown[0] in "` " or shown[-1] in "` " else ""
    return f"{fence}{pad}{shown}{pad}{fence}"


def block(lines: Iterable[str], language: str = "") -> list[str]:
    """Return lines as a code block that nothing in them can end."""
    body = [printable(line.expandtabs(4)) for line in lines]
    longest = max((len(run) for line in body for run in _RUNS.findall(line)), default=0)
    fence = "`" * max(longest + 1, 3)
    return [f"{fence}{language}", *body, fence]


def platform(label: str) -> str:
    """Return a platform's label."""
    return label if _PLAIN_LABEL.fullmatch(label) else code(label)


def marked(pieces: Iterable[Piece]) -> str:
    """Return a sentence's pieces as Markdown."""
    return "".join(_marked(piece) for piece in pieces)


def say(catalogue: Catalogue, statement: Statement) -> str:
    """Return a statement as Markdown."""
    return marked(catalogue.say(statement))


def _marked(piece: Piece) -> str:
    match piece.kind:
        case PieceKind.WORDS:
            return piece.text
        case PieceKind.PLATFORM:
            return platform(piece.text)
        case PieceKind.CODE | PieceKind.VALUE:
            return code(piece.text)


def table(header: Iterable[str], rows: Iterable[Iterable[str]]) -> list[str]:
    """Return a table; cells are Markdown already."""
    columns = list(header)
    return [
        f"| {' | '.join(columns)} |",
        f"| {' | '.join('---' for _ in columns)} |",
        *(f"| {' | '.join(row)} |" for row in rows),
    ]


def heading(catalogue: Catalogue, name: str, level: int = 2) -> list[str]:
    """Return a heading and the empty line after it."""
    return [f"{'#' * level} {catalogue.word(f'heading.{name}')}", ""]
