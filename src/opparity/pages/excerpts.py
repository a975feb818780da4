"""Lines of source with their syntax marked by classes, a line at a time."""

from __future__ import annotations

from itertools import groupby
from operator import itemgetter
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from markupsafe import Markup, escape
from pygments.lexers.c_cpp import CppLexer
from pygments.lexers.configs import TOMLLexer
from pygments.lexers.make import CMakeLexer
from pygments.lexers.python import PythonLexer
from pygments.token import Token

from opparity.change.model import LineKind
from opparity.checker.tree.names import printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pygments.lexer import Lexer
    from pygments.token import _TokenType

    from opparity.change.model import ExcerptLine

_CPP = frozenset({".c", ".cc", ".cpp", ".cu", ".cuh", ".cxx", ".h", ".hip", ".hpp", ".inl"})
# Token type -> the class of page.css; the first that a token belongs to.
_CLASSES = (
    (Token.Comment.Preproc, "pre"),
    (Token.Comment.PreprocFile, "str"),
    (Token.Comment, "com"),
    (Token.Literal.String, "str"),
    (Token.Literal.Number, "num"),
    (Token.Keyword, "key"),
    (Token.Name.Function, "fun"),
    (Token.Name.Builtin, "fun"),
)


def highlighted(path: str, lines: Sequence[str]) -> list[Markup]:
    """Return each line as HTML; lines of a file whose language is not known are plain."""
    lexer = _lexer(path)
    if lexer is None:
        return [escape(printable(line)) for line in lines]
    shown: list[list[tuple[str, str]]] = [[]]
    for token, text in lexer.get_tokens("\n".join(map(printable, lines))):
        for number, part in enumerate(text.split("\n")):
            if number:
                shown.append([])
            if part:
                shown[-1].append((_class_of(token), part))
    return [_line(parts) for parts in shown[: len(lines)]]


def highlighted_excerpt(path: str, lines: Sequence[ExcerptLine]) -> Iterable[Markup]:
    """Return the lines of an excerpt; each side is read as one text, as a compiler would."""
    sides: dict[LineKind, dict[int, Markup]] = {}
    for kind in (LineKind.REMOVED, LineKind.ADDED):
        numbers = [
            number for number, line in enumerate(lines) if line.kind in {LineKind.CONTEXT, kind}
        ]
        shown = highlighted(path, [lines[number].text for number in numbers])
        sides[kind] = dict(zip(numbers, shown, strict=True))
    for number, line in enumerate(lines):
        side = LineKind.REMOVED if line.kind is LineKind.REMOVED else LineKind.ADDED
        yield sides[side][number]


def _lexer(path: str) -> Lexer | None:
    name = PurePosixPath(path)
    options = {"stripnl": False, "ensurenl": False}
    if name.suffix in _CPP:
        return CppLexer(**options)
    if name.suffix in {".py", ".pyi"}:
        return PythonLexer(**options)
    if name.suffix == ".cmake" or name.name == "CMakeLists.txt":
        return CMakeLexer(**options)
    if name.suffix == ".toml":
        return TOMLLexer(**options)
    return None


def _class_of(token: _TokenType) -> str:
    return next((name for parent, name in _CLASSES if token in parent), "")


def _line(parts: Iterable[tuple[str, str]]) -> Markup:
    """Return a line with neighbours of one class in one element."""
    shown = Markup()
    for name, group in groupby(parts, itemgetter(0)):
        text = "".join(part for _, part in group)
        shown += Markup('<span class="{}">{}</span>').format(name, text) if name else escape(text)
    return shown
