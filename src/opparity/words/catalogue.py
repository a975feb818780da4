"""Every sentence of the checker, reports and histories by its name, in each language.

A language is a folder, with a file for each of them and the same keys in all languages.
In a sentence `{name}` stands for a value, `{count:one|many}` for a number with its noun,
`{names!s:is|are}` for the word alone that fits a number or a list, and backticks for code.
A rule's sentences are the table of its code; its title, reasons and remedy in English are those of
its own page.

A sentence is cut into pieces; what is not ours (operators, paths, macros, texts of the trees) is in
pieces of its own, so that a format can mark it and make it harmless.
"""

from __future__ import annotations

import re
import string
import tomllib
from enum import StrEnum
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

from opparity.checker.facts.records import fact
from opparity.checker.rules.table import RULES
from opparity.checker.tree.names import printable
from opparity.words.language import Language
from opparity.words.statements import Statement

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from opparity.words.statements import Value

# So many things of a list are named in a sentence; "and 70 more" stands for the others.
_NAMED = 6
# A section of a rule's page: its heading and its text.
_SECTION = re.compile(r"^## ([^\n]+)\n(.*?)(?=^## )", re.MULTILINE | re.DOTALL)
# Chinese characters and punctuation: between two of them stands no space.
_WIDE = re.compile("[\u3000-\u303f\u4e00-\u9fff\uff00-\uffef]")
_PLATFORMS = frozenset({"platform", "platforms"})
_FILES = ("checker", "change", "history")
# In plain text such a value stands in backticks, so that its end is seen.
_QUOTED = re.compile(r"[\s(]")


class PieceKind(StrEnum):
    """Who wrote a piece of a sentence."""

    WORDS = "words"  # the catalogue: harmless
    CODE = "code"  # the catalogue's own code, e.g. `hasattr`: harmless
    PLATFORM = "platform"  # a platform's label
    VALUE = "value"  # a name, path or text of the trees: never trusted


@fact
class Piece:
    """A part of a sentence."""

    kind: PieceKind
    text: str


@fact
class Catalogue:
    """The words of one language."""

    language: Language
    templates: Mapping[str, str]

    def word(self, key: str) -> str:
        """Return a text without values."""
        return self.templates[key]

    def say(self, statement: Statement) -> tuple[Piece, ...]:
        """Return a statement as pieces."""
        values = dict(statement.values)
        pieces: list[Piece] = []
        for literal, name, specification, conversion in string.Formatter().parse(
            self.templates[statement.key]
        ):
            pieces.extend(words(literal))
            if name is None:
                continue
            value = values[name]
            if isinstance(value, int) or conversion:
                pieces.append(_counted(value, specification or "", is_noun_only=bool(conversion)))
            else:
                pieces.extend(self._value(name, value))
        return tuple(_spaced(pieces))

    def text(self, statement: Statement) -> str:
        """Return a statement as plain text."""
        return "".join(map(_plain, self.say(statement)))

    def rule(self, code: str, part: str) -> tuple[Piece, ...]:
        """Return a rule's `title`, `why` or `remedy`."""
        return words(self.templates[f"{code}.{part}"])

    def _value(
        self, name: str, value: str | Statement | tuple[str | Statement, ...]
    ) -> Iterator[Piece]:
        kind = PieceKind.PLATFORM if name in _PLATFORMS else PieceKind.VALUE
        if isinstance(value, str):
            yield Piece(kind, printable(value))
            return
        if isinstance(value, Statement):
            yield from self.say(value)
            return
        named = value if len(value) <= _NAMED + 1 else value[:_NAMED]
        for position, each in enumerate(named):
            if position:
                yield Piece(PieceKind.WORDS, self._joint(position, len(value)))
            if isinstance(each, str):
                yield Piece(kind, printable(each))
            else:
                yield from self.say(each)
        if len(named) < len(value):
            left = len(value) - len(named)
            more = self.templates["list.more"].format(count=left, total=len(value))
            yield Piece(PieceKind.WORDS, more)

    def _joint(self, position: int, total: int) -> str:
        is_last = position == total - 1
        return self.templates["list.last" if is_last else "list.next"]


def _spaced(pieces: Iterable[Piece]) -> Iterator[Piece]:
    """Yield pieces without the spaces that a list or clause leaves between Chinese characters."""
    waiting = Piece(PieceKind.WORDS, "")
    for piece in pieces:
        text = piece.text
        if waiting.kind is piece.kind is PieceKind.WORDS:
            first, second = waiting.text.rstrip(" "), text.lstrip(" ")
            if _WIDE.match(first[-1:]) and _WIDE.match(second[:1]):
                waiting, text = Piece(waiting.kind, first), second
        if waiting.text:
            yield waiting
        waiting = Piece(piece.kind, text)
    if waiting.text:
        yield waiting


def _plain(piece: Piece) -> str:
    is_open = piece.kind is PieceKind.VALUE and not _QUOTED.search(piece.text)
    is_quoted = piece.kind in {PieceKind.VALUE, PieceKind.CODE} and not is_open
    return f"`{piece.text}`" if is_quoted else piece.text


def _counted(value: Value, specification: str, *, is_noun_only: bool) -> Piece:
    """Return a number with its noun, or the noun alone that fits a number or a list."""
    one, _, many = specification.partition("|")
    count = value if isinstance(value, int) else len(value) if isinstance(value, tuple) else 1
    noun = one if count == 1 else many
    shown = noun if is_noun_only else f"{count:,} {noun}".rstrip()
    return Piece(PieceKind.WORDS, shown)


def words(text: str) -> tuple[Piece, ...]:
    """Return the catalogue's own text as pieces; what stands in backticks is code."""
    return tuple(
        Piece(PieceKind.CODE if position % 2 else PieceKind.WORDS, part)
        for position, part in enumerate(text.split("`"))
        if part
    )


@cache
def catalogue(language: Language) -> Catalogue:
    """Return a language's catalogue."""
    folder = files(__package__).joinpath(language.value)
    templates: dict[str, str] = {}
    for name in _FILES:
        text = folder.joinpath(f"{name}.toml").read_text("utf-8")
        templates.update(_flat("", tomllib.loads(text)))
    if language is Language.ENGLISH:
        templates.update(_rules())
    return Catalogue(language, templates)


def english(statement: Statement) -> str:
    """Return a statement as the checker's own reports have it."""
    return catalogue(Language.ENGLISH).text(statement)


def _rules() -> Iterator[tuple[str, str]]:
    """Yield the rules' English words: those of their own pages."""
    for rule in RULES:
        sections = dict(_SECTION.findall(rule.page() + "\n\n## "))
        yield f"{rule.code}.title", rule.summary()
        yield f"{rule.code}.why", _joined(sections["Why is this bad?"])
        yield f"{rule.code}.remedy", _joined(sections["Use instead"])


def _joined(text: str) -> str:
    return " ".join(text.split())


def _flat(prefix: str, table: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    for key, value in table.items():
        if isinstance(value, dict):
            yield from _flat(f"{prefix}{key}.", value)
        else:
            yield prefix + key, str(value)
