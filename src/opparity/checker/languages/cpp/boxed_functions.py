"""Boxed functions of the stable ABI, written by hand: which places of the stack they use."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from opparity.checker.facts.native import BoxedFunction
from opparity.checker.facts.places import Location

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from opparity.checker.facts.conditions import Condition

_HEAD = re.compile(r"\b(\w+)\s*\(\s*StableIValue\s*\*\s*(\w+)\s*,[^(){};]*\)\s*\{")
_BRACE = re.compile(r"[{}]")
_LONGEST = 40_000


def boxed_functions(
    path: str, clean: str, line_of: Callable[[int], int], condition_at: Callable[[int], Condition]
) -> Iterator[BoxedFunction]:
    """Yield the functions that take a stack, and use it by numbers alone; text without comments."""
    if "StableIValue" not in clean:
        return
    for found in _HEAD.finditer(clean):
        body = clean[found.end() : _closing(clean, found.end())]
        stack = re.escape(found[2])
        by_number = re.compile(rf"\b{stack}\s*\[\s*([0-9]{{1,9}})\s*\](\s*=(?!=))?")
        places = [(int(each[1]), bool(each[2])) for each in by_number.finditer(body)]
        others = len(re.findall(rf"\b{stack}\b", body)) - len(places)
        if others:
            continue
        line = line_of(found.start(1))
        yield BoxedFunction(
            found[1],
            1 + max((place for place, is_written in places if not is_written), default=-1),
            1 + max((place for place, is_written in places if is_written), default=-1),
            Location(path, line),
            condition_at(line),
        )


def _closing(text: str, start: int) -> int:
    depth = 1
    for brace in _BRACE.finditer(text, start, start + _LONGEST):
        depth += 1 if brace.group() == "{" else -1
        if depth == 0:
            return brace.start()
    return start
