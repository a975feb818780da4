"""The places in functions where an object of some class is constructed, with its arguments."""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass
from typing import TYPE_CHECKING

from opparity.checker.facts.native import Reference
from opparity.checker.facts.places import Location
from opparity.checker.languages.cpp.preprocessor import read_directives
from opparity.checker.languages.cpp.registration_macros import separated
from opparity.checker.languages.cpp.text_scan import (
    enclosing_finder,
    in_directive,
    without_comments,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from opparity.checker.facts.native import Definition

_LONGEST_LIST = 4000
_WORD = re.compile(r"\w+")
_BRACKETS = {"(": ")", "{": "}"}
# `int size` or `const Tensor& input`: a prototype's parameter, and no value.
_PARAMETER = re.compile(r"(?:const\s+)?[\w:]+(?:<[^()]*>)?(?:\s*[&*]+\s*|\s+)\w*(?:\s*=.*)?")
_VALUE = re.compile(r"(?:new|sizeof|not|co_await)\b")


@dataclass(frozen=True, slots=True)
class Construction:
    """A place that constructs an object, and how many arguments it gives.

    Attributes:
        may_copy: the only argument may be another object of the class.
    """

    reference: Reference
    count: int
    may_copy: bool


def read_constructions(
    path: str, text: str, classes: Collection[str], definitions: Sequence[Definition]
) -> Iterator[Construction]:
    """Yield where functions that are no templates construct objects of classes of those names."""
    clean = without_comments(text)
    names = "|".join(map(re.escape, sorted(classes)))
    condition_at = read_directives(path, text).condition_at
    starts = [0, *(found.end() for found in re.finditer("\n", clean))]
    enclosing = enclosing_finder(definitions)
    for found in _expression(names).finditer(clean):
        line = bisect_right(starts, found.start("name"))
        around = enclosing(line)
        if around is None or around.is_template or in_directive(clean, found.start("name")):
            continue
        if "{" not in clean[starts[around.location.line - 1] : found.start("name")]:
            continue  # in a head, or among what a constructor initialises
        inside, end = _list(clean, found.end() - 1)
        values = separated(inside)
        if end < 0 or (found["variable"] and not _is_variable(values, clean[end : end + 40])):
            continue
        name = found["name"]
        yield Construction(
            Reference(
                name,
                Location(path, line),
                condition_at(line),
                inside=around.signature.qualified,
                is_in_inline=around.is_inline,
                qualifier=tuple(_WORD.findall(found["qualifier"])),
            ),
            len(values),
            len(values) == 1 and not values[0][:1].isdigit(),
        )


def _expression(names: str) -> re.Pattern[str]:
    """Return what finds the beginning of a construction, to where its arguments open."""
    named = rf"(?P<qualifier>(?:::\s*)?(?:\w+\s*::\s*)*)(?P<name>{names})"
    by_new = r"\bnew\s+"
    made = r"\bmake_(?:shared|unique)\s*<\s*"
    # A variable stands at the beginning of a statement; a temporary object behind an operator.
    begins = r"[;{}]\s*(?:(?:static|const|thread_local)\s+)*"
    temporary = r"(?:[=(,]|\breturn)\s*"
    return re.compile(
        rf"(?:(?P<made>{made})|{by_new}|{begins}|{temporary}){named}"
        r"(?(made)\s*>\s*|(?P<variable>\s+\w+)?\s*)[({]"
    )


def _list(text: str, start: int) -> tuple[str, int]:
    """Return what stands in a bracket and where it ends; -1 for one that is not closed."""
    opening = text[start]
    depth = 0
    for position in range(start, min(len(text), start + _LONGEST_LIST)):
        character = text[position]
        depth += (character == opening) - (character == _BRACKETS[opening])
        if depth == 0:
            return text[start + 1 : position], position + 1
    return "", -1


def _is_variable(values: Sequence[str], after: str) -> bool:
    """Return whether `Engine name(values)` declares a variable, and no function."""
    is_statement = after.lstrip()[:1] in {";", ","}
    return (
        is_statement
        and bool(values)
        and not any(_PARAMETER.fullmatch(value) and not _VALUE.match(value) for value in values)
    )
