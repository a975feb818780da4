"""Which lines of a file can matter: most of a large tree's Python never touches an operator."""

from __future__ import annotations

import re
from bisect import bisect_left
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from opparity.checker.facts.records import fact

if TYPE_CHECKING:
    import ast
    from collections.abc import Iterable, Iterator, Sequence

    from opparity.checker.languages.python.pruning import Block

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
    "torch.compile",
)
# With the newline and not `^`: the search leaps from line to line.
_TABLE = re.compile(r"\n(_?[A-Z][A-Z0-9_]+)\b[^=\n]*= *\{")
_TABLE_NAME = re.compile(r"_?[A-Z][A-Z0-9_]+$")
_NAME = re.compile(r"[A-Za-z_]\w*")
# A name that is called in a test, in text that is read backwards: from the bracket to the word.
_ASKED = re.compile(r"\((\w++)\s++(?:fi|file|elihw|dna|ro|ton|tressa)\b")
# Functions that a guard may ask: is_supported(), has_deep_gemm(), _use_fused().
_ANSWERING = frozenset(
    {"is", "has", "have", "can", "use", "uses", "should", "on", "available", "enabled"}
    | {"support", "supports", "supported"}
)


def is_part(character: str) -> bool:
    """Return whether a character, or none, may be part of a name."""
    return character.isalnum() or character == "_"


def may_answer(name: str) -> bool:
    """Return whether a function's name reads like a question that a guard may ask."""
    return not _ANSWERING.isdisjoint(name.split("_"))


@dataclass
class SearchedText:
    """A file's text, searched for each mark once."""

    text: str
    found: dict[str, tuple[int, ...]] = field(default_factory=dict)

    @cached_property
    def tables(self) -> frozenset[str]:
        """Return the names that are given a dictionary at the left margin."""
        return frozenset(_TABLE.findall("\n" + self.text))

    def places(self, marks: Iterable[str], names: Iterable[str] = ()) -> list[int]:
        """Return where any of the marks stands, or any of the names as a word, in order."""
        found = {place for mark in marks for place in self._places_of(mark)}
        return sorted(found.union(*(self._places_of_name(name) for name in names)))

    def lines_of(self, places: Iterable[int]) -> tuple[int, ...]:
        """Return the lines of places in order, counted as the parser counts them."""
        found: list[int] = []
        line, position = 1, 0
        for place in places:
            line += self.text.count("\n", position, place)
            position = place
            if not found or found[-1] != line:
                found.append(line)
        return tuple(found)

    def _places_of_name(self, name: str) -> Iterator[int]:
        """Yield where a name is neither a part of another one nor an attribute."""
        for place in self._places_of(name):
            before = self.text[place - 1 : place]
            after = self.text[place + len(name) : place + len(name) + 1]
            if not (before == "." or is_part(before) or is_part(after)):
                yield place

    def _places_of(self, mark: str) -> tuple[int, ...]:
        if mark not in self.found:
            places: list[int] = []
            place = self.text.find(mark)
            while place >= 0:
                places.append(place)
                place = self.text.find(mark, place + 1)
            self.found[mark] = tuple(places)
        return self.found[mark]


@fact
class Interest:
    """What of a file can matter.

    Attributes:
        lines: the line numbers, in order.
        asked: functions that tests ask, where it matters what they say.
    """

    lines: tuple[int, ...]
    asked: frozenset[str] = frozenset()

    def answers(self, name: str) -> bool:
        """Return whether a guard may ask a function."""
        return name in self.asked or may_answer(name)

    def in_range(self, node: ast.stmt) -> bool:
        """Return whether one of the lines lies in a statement."""
        first = getattr(node, "lineno", 1)
        decorators = getattr(node, "decorator_list", ())
        if decorators:
            first = min(first, decorators[0].lineno)
        position = bisect_left(self.lines, first)
        return position < len(self.lines) and self.lines[position] <= (node.end_lineno or first)


@fact
class Wanted:
    """What of a file may lead to operators in other files.

    Attributes:
        names: names bound in it.
        direct: those that are extension modules, whose functions are operators.
        extensions: the last names of the extension modules that are imported.
        places: the offsets at which other files are imported in it.
        passing: the modules imported in it that pass on extension modules' names.
    """

    names: set[str] = field(default_factory=set)
    direct: set[str] = field(default_factory=set)
    extensions: set[str] = field(default_factory=set)
    places: set[int] = field(default_factory=set)
    passing: set[str] = field(default_factory=set)


def places_of_interest(text: SearchedText, blocks: Sequence[Block], wanted: Wanted) -> list[int]:
    """Return the offsets of operators, of tables, and of names that stand for code that has them.

    Args:
        text: the file's text.
        blocks: its functions and classes.
        wanted: what may lead to operators in other files.
    """
    marks = _own_marks(text, wanted.names)
    touching = text.places(marks, wanted.direct)
    names: set[str] = set()
    top: Block | None = None
    for block in blocks:
        if block.indentation == 0:
            top = block
            if block.holds(touching) or (
                not block.is_function and not names.isdisjoint(_NAME.findall(block.head))
            ):
                names.add(block.name)
        elif (top is None or block.start >= top.end) and block.holds(touching):
            names.add(block.name)  # under a condition at the left margin
    return sorted({*text.places(marks, names | wanted.names), *wanted.places})


def asked_functions(text: str, blocks: Sequence[Block], places: Sequence[int]) -> frozenset[str]:
    """Return the names that are called in tests, at the left margin and in functions of interest.

    Args:
        text: the file's text.
        blocks: its functions and classes.
        places: what is of interest in it.
    """
    parts: list[str] = []
    end = 0
    for block in blocks:
        if block.start >= end:
            parts.append(text[end : block.start])
            end = block.end
            if block.holds(places):
                parts.append(text[block.start : block.end])
    parts.append(text[end:])
    return frozenset(name[::-1] for part in parts for name in _ASKED.findall(part[::-1]))


def _own_marks(text: SearchedText, wanted: Iterable[str]) -> tuple[str, ...]:
    return (*_TOUCHING, *text.tables, *(name for name in wanted if _TABLE_NAME.match(name)))
