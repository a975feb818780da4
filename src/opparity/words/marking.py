"""Sentences as Markdown: the catalogue's words as they are, and what is not ours in code."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opparity.escapes import code, platform_label
from opparity.words.catalogue import PieceKind

if TYPE_CHECKING:
    from collections.abc import Iterable

    from opparity.words.catalogue import Catalogue, Piece
    from opparity.words.statements import Statement


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
            return platform_label(piece.text)
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
