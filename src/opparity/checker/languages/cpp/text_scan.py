"""What is read from the text itself: masks, constants, definitions that the grammar lost."""

from __future__ import annotations

import re
import string
from bisect import bisect_right
from typing import TYPE_CHECKING

from opparity.checker.facts.native import Constant, Definition, InitFunction, LaneMask, Signature
from opparity.checker.facts.places import Location

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from opparity.checker.facts.conditions import Condition

_COMMENT_OR_STRING = re.compile(
    r"//[^\n]*|/\*.*?(?:\*/|\Z)|\"(?:[^\"\\\n]|\\.)*+\"?|'(?:[^'\\\n]|\\.){1,4}'", re.DOTALL
)
_LANE_MASK = re.compile(
    r"(__(?<!\w__)(?:shfl(?:_up|_down|_xor)?|ballot|any|all|match_any|match_all)_sync)\s*\(\s*"
    r"(0[xX][fF]{8}[uUlL]*)\s*,"
)
# `…) {`: the end of what a definition's head looks like.
_OPENS_BODY = re.compile(r"\)(?:\s|const|noexcept|override)*+\{")
_OF_NAMES = string.ascii_letters + string.digits + "_"
_LONGEST_HEAD = 4000
_LONGEST_NAME = 200
_CONSTANT = re.compile(r"constexpr(?!\w)[^=;{}()]*+[={(]\s*+(\d++)\s*+[)}]?\s*+;")
_INIT_MARKS = ("PYBIND11_MODULE", "NB_MODULE", "PyInit_")
_INIT = re.compile(r"^[^#\n]*?\b(?:(?:PYBIND11|NB)_MODULE\s*\(\s*|PyInit_)(\w+)", re.MULTILINE)
_WORD = re.compile(r"\w+")
# A plain text first: with the boundary before it vLLM 0.33.0 takes 0.09 s instead of 0.01.
_USING = re.compile(r"using(?<!\wusing)\s++(namespace\s++)?((?:\w++\s*+::\s*+)*+\w++)\s*+;")
_NEVER_FUNCTIONS = frozenset({"if", "for", "while", "switch", "catch", "defined", "return"})


def without_comments(text: str) -> str:
    """Return the text with comments and literals blanked; lines keep their numbers."""
    return _COMMENT_OR_STRING.sub(_blank, text)


def with_literals(text: str) -> str:
    """Return the text with comments blanked and literals kept; lines keep their numbers."""
    return _COMMENT_OR_STRING.sub(_blank_comment, text)


def _blank_comment(found: re.Match[str]) -> str:
    return _blank(found) if found.group().startswith("/") else found.group()


def _blank(found: re.Match[str]) -> str:
    return "\n" * found.group().count("\n") or " "


def line_finder(text: str) -> Callable[[int], int]:
    """Return the function from an offset to its line, which looks for lines when first asked."""
    starts: list[int] = []

    def find(offset: int) -> int:
        if not starts:
            starts.extend((0, *(found.end() for found in re.finditer("\n", text))))
        return bisect_right(starts, offset)

    return find


def opened_namespaces(clean: str) -> tuple[tuple[str, ...], ...]:
    """Return the namespaces that a using-directive opens, or a using-declaration takes from."""
    found: dict[tuple[str, ...], None] = {}
    for using in _USING.finditer(clean) if "using " in clean else ():
        parts = tuple(_WORD.findall(using[2]))
        found[parts if using[1] else parts[:-1]] = None
    return tuple(found)


def enclosing_finder(definitions: Iterable[Definition]) -> Callable[[int], Definition | None]:
    """Return the function from a line to the definition whose body it is in."""
    spans = sorted(
        ((d.location.line, d.end_line, d) for d in definitions if d.end_line),
        key=lambda span: span[:2],
    )
    starts = [span[0] for span in spans]

    def find(line: int) -> Definition | None:
        index = bisect_right(starts, line) - 1
        return spans[index][2] if index >= 0 and line <= spans[index][1] else None

    return find


def lane_masks(
    path: str,
    clean: str,
    line_of: Callable[[int], int],
    condition_at: Callable[[int], Condition],
    definitions: Iterable[Definition],
) -> Iterator[LaneMask]:
    """Yield the warp functions that are given a mask of 32 bits."""
    if "_sync" not in clean:
        return
    enclosing = enclosing_finder(definitions)
    for found in _LANE_MASK.finditer(clean):
        line = line_of(found.start())
        if in_directive(clean, found.start()):
            continue
        around = enclosing(line)
        yield LaneMask(
            function=found.group(1),
            mask=found.group(2),
            location=Location(path, line),
            condition=condition_at(line),
            inside=around.signature.name if around else "",
            is_in_template=around is None or around.is_template or around.is_inline,
        )


def in_directive(text: str, offset: int) -> bool:
    """Return whether a place is in a `#define` or another directive, continued lines included."""
    start = text.rfind("\n", 0, offset) + 1
    while start > 1 and text[start - 2] == "\\":
        start = text.rfind("\n", 0, start - 1) + 1
    return text[start:offset].lstrip().startswith("#")


def guessed_definitions(
    path: str,
    clean: str,
    line_of: Callable[[int], int],
    condition_at: Callable[[int], Condition],
    known: Iterable[Definition],
) -> Iterator[Definition]:
    """Yield what looks like a definition and was not parsed as one."""
    parsed = {(definition.signature.name, definition.condition) for definition in known}
    for found in _OPENS_BODY.finditer(clean):
        start = _opening(clean, found.start())
        name, place = _name_before(clean, start)
        if not name or name in _NEVER_FUNCTIONS or name.isupper():
            continue
        line = line_of(place)
        condition = condition_at(line)
        if (name, condition) not in parsed:
            signature = Signature(name, (), (), "")
            yield Definition(signature, Location(path, line), condition, is_guessed=True)


def _name_before(text: str, end: int) -> tuple[str, int]:
    """Return the name that ends before a place, and where it begins; "" for a member's or none."""
    before = text[max(0, end - _LONGEST_NAME) : max(0, end)].rstrip()
    name = before[len(before.rstrip(_OF_NAMES)) :]
    ahead = before[: len(before) - len(name)]
    if not name.isidentifier() or ahead.endswith((".", ">")):
        return "", 0
    return name, max(0, end - _LONGEST_NAME) + len(ahead)


def _opening(text: str, closing: int) -> int:
    """Return where the parenthesis opens that is closed there; -1 where a statement ends first."""
    first = max(0, closing - _LONGEST_HEAD)
    first = max(first, *(text.rfind(end, first, closing) + 1 for end in ";{}"))
    depth = 0
    position = closing
    while position >= first:
        depth += 1 if text[position] == ")" else -1
        if depth == 0:
            return position
        nearest = (text.rfind(")", first, position), text.rfind("(", first, position))
        position = max(nearest)
    return -1


def constants(
    clean: str, line_of: Callable[[int], int], condition_at: Callable[[int], Condition]
) -> tuple[Constant, ...]:
    """Return the numbers that constants are given, each once per condition."""
    found = (
        Constant(number[1], condition_at(line_of(number.start(1))))
        for number in _CONSTANT.finditer(clean)
    )
    return tuple(dict.fromkeys(found))


def init_functions(
    path: str,
    clean: str,
    line_of: Callable[[int], int],
    condition_at: Callable[[int], Condition],
) -> tuple[InitFunction, ...]:
    """Return what Python calls to import a module, or several."""
    if not any(mark in clean for mark in _INIT_MARKS):
        return ()
    places = ((found[1], line_of(found.start(1))) for found in _INIT.finditer(clean))
    return tuple(
        InitFunction(module, Location(path, line), condition_at(line)) for module, line in places
    )
