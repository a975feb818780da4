"""Which lines of a file can matter: most of a large tree's Python never touches an operator."""

from __future__ import annotations

import ast
import re
from bisect import bisect_left
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

# Plain texts: finding each in turn is 20 times as fast as one expression of them all.
_TOUCHING = (
    "torch.ops",
    "register_fake",
    "impl_abstract",
    "register_custom_op",
    "register_op",
    "custom_op",
    "triton_op",
    ".define(",
    "Library(",
)
_TABLE = re.compile(r"^(_?[A-Z][A-Z0-9_]+)\b[^=\n]*= *\{", re.MULTILINE)
_TABLE_NAME = re.compile(r"_?[A-Z][A-Z0-9_]+$")
# Functions that a guard may ask: is_supported(), has_deep_gemm(), _use_fused().
_ANSWERING = re.compile(
    r"(?:^|_)(?:is|has|have|can|use|uses|should|support|supports|supported|available|enabled|on)"
    r"(?:_|$)"
)


def may_answer(name: str) -> bool:
    """Return whether a function's name reads like a question that a guard may ask."""
    return _ANSWERING.search(name) is not None


@dataclass(frozen=True, slots=True)
class Interest:
    """The line numbers that can matter, in order."""

    lines: tuple[int, ...]

    def in_range(self, node: ast.stmt) -> bool:
        """Return whether one of the lines lies in a statement."""
        first = getattr(node, "lineno", 1)
        decorators = getattr(node, "decorator_list", ())
        if decorators:
            first = min(first, decorators[0].lineno)
        position = bisect_left(self.lines, first)
        return position < len(self.lines) and self.lines[position] <= (node.end_lineno or first)


def interest_of(text: str, syntax: ast.Module, wanted: Iterable[str] = ()) -> Interest:
    """Return the lines that touch operators, tables, or names that stand for such code.

    Args:
        text: the file's text.
        syntax: the same, parsed.
        wanted: names bound in the file that lead to operators in other files.
    """
    tables = {match[1] for match in _TABLE.finditer(text)}
    tables |= {name for name in wanted if _TABLE_NAME.match(name)}
    touching = _lines((*_TOUCHING, *sorted(tables)), text)
    own = Interest(touching)
    names = {
        node.name
        for node in syntax.body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
        and own.in_range(node)
    }
    names |= _defined_in_blocks(syntax, own)
    for node in syntax.body:  # in order: a base stands before what derives from it
        if isinstance(node, ast.ClassDef) and _base_names(node) & names:
            names.add(node.name)
    return Interest(_lines((*_TOUCHING, *sorted(tables | names | set(wanted))), text))


def _base_names(node: ast.ClassDef) -> set[str]:
    return {
        inner.id for base in node.bases for inner in ast.walk(base) if isinstance(inner, ast.Name)
    }


def _defined_in_blocks(syntax: ast.Module, own: Interest) -> set[str]:
    """Return the functions defined under module-level conditions that touch operators."""
    blocks = [node for node in syntax.body if isinstance(node, ast.If | ast.Try | ast.With)]
    return {
        inner.name
        for block in blocks
        if own.in_range(block)
        for inner in ast.walk(block)
        if isinstance(inner, ast.FunctionDef | ast.ClassDef) and own.in_range(inner)
    }


def _lines(marks: Iterable[str], text: str) -> tuple[int, ...]:
    """Return the lines in which any of the marks stands, counted as the parser counts them."""
    places: list[int] = []
    for mark in marks:
        place = text.find(mark)
        while place >= 0:
            places.append(place)
            place = text.find(mark, place + 1)
    found: list[int] = []
    line, position = 1, 0
    for place in sorted(places):
        line += text.count("\n", position, place)
        position = place
        if not found or found[-1] != line:
            found.append(line)
    return tuple(found)
