"""CMake's values: text, with two marks for what is not known.

UNKNOWN stands for text that nobody knows; DOUBTFUL, at the end of a list's element, says that
the element may be absent. Both are private-use characters, so they survive every string command.
"""

from __future__ import annotations

import re
from functools import lru_cache, partial
from typing import TYPE_CHECKING

import re2

from opparity.checker.facts.numbers import version_parts
from opparity.checker.languages.interpreting import charge, charge_text

if TYPE_CHECKING:
    from collections.abc import Sequence

UNKNOWN = "\ue000"
DOUBTFUL = "\ue001"
# Text that a command makes may not grow beyond this: a hostile tree doubles it in a loop.
LONGEST_VALUE = 1_000_000
_FALSE = frozenset({"", "0", "OFF", "NO", "FALSE", "N", "IGNORE", "NOTFOUND"})
_TRUE = frozenset({"1", "ON", "YES", "TRUE", "Y"})
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,3})?", re.ASCII)
_LONGEST_PATTERN = 1000
# What CMake's expressions have no repetitions by, and re2's have: braces stand for themselves.
_REFERENCE = re.compile(r"\\([0-9])|\\\\")
_BRACE = re.compile(r"\\.|[{}]", re.DOTALL)


def is_decided(value: str) -> bool:
    """Return whether a value has no mark."""
    return UNKNOWN not in value and DOUBTFUL not in value


def split_list(value: str) -> list[str]:
    r"""Return a list's elements; `\;` and semicolons in square brackets do not separate.

    As in CMake, the backslash is gone from an element that is taken out of its list.
    """
    return [element.replace("\\;", ";") for element in written_list(value)]


def written_list(value: str) -> list[str]:
    """Return a list's elements as they stand in it."""
    if not value:
        return []
    if "\\;" not in value and "[" not in value:
        return value.split(";")
    elements, current, brackets = [], "", 0
    position = 0
    while position < len(value):
        character = value[position]
        if character == "\\" and value[position + 1 : position + 2] == ";":
            current += "\\;"
            position += 2
            continue
        brackets += (character == "[") - (character == "]" and brackets > 0)
        if character == ";" and brackets == 0:
            elements.append(current)
            current = ""
        else:
            current += character
        position += 1
    return [*elements, current]


def merge(old: str, new: str) -> str:
    """Return a value that is either of two: elements that only one has are doubtful."""
    if old == new:
        return new
    olds, news = written_list(old), written_list(new)
    charge(4 * (len(olds) + len(news)))
    kept = set(olds) & set(news)
    merged: dict[str, None] = {}
    for element in [*olds, *news]:
        certain = element in kept or element.endswith(DOUBTFUL)
        merged[element if certain else element + DOUBTFUL] = None
    return ";".join(merged)


def undoubted(element: str) -> tuple[str, bool]:
    """Return an element without its mark, and whether it had one."""
    return element.rstrip(DOUBTFUL), element.endswith(DOUBTFUL)


def is_false_constant(value: str) -> bool:
    """Return whether `if(value)` is false."""
    upper = value.upper()
    return upper in _FALSE or upper.endswith("-NOTFOUND")


def is_true_constant(value: str) -> bool:
    """Return whether a word is a true constant."""
    return value.upper() in _TRUE or (is_number(value) and float(value) != 0)


def is_number(value: str) -> bool:
    """Return whether a word is a number, which is false where it is zero."""
    return bool(_NUMBER.fullmatch(value))


def compare_versions(left: str, right: str) -> int:
    """Return -1, 0 or 1."""
    first, second = version_parts(left), version_parts(right)
    length = max(len(first), len(second))
    first, second = ([*parts, *[(0, "")] * (length - len(parts))] for parts in (first, second))
    return (first > second) - (first < second)


@lru_cache(maxsize=1000)
def compile_regex(pattern: str) -> re.Pattern[str] | None:
    """Return CMake's regular expression for an engine of linear time; None for one that is none.

    What backtracks takes exponential time on `(a|aa)+`, and a tree may have both texts.
    """
    options = re2.Options()
    options.log_errors = False
    options.dot_nl = True
    if len(pattern) > _LONGEST_PATTERN:
        return None
    try:
        compiled: re.Pattern[str] = re2.compile(_BRACE.sub(_literal, pattern), options)
    except re2.error:
        return None
    return compiled


def _literal(found: re.Match[str]) -> str:
    return found[0] if len(found[0]) > 1 else rf"\{found[0]}"


def search(pattern: str, subject: str) -> re.Match[str] | str | None:
    """Return the match, None for none, or UNKNOWN where it cannot be decided."""
    compiled = compile_regex(pattern)
    if compiled is None or not is_decided(pattern):
        return UNKNOWN
    charge_text(10 * len(subject))
    found = compiled.search(subject)
    if found is None and not is_decided(subject):
        return UNKNOWN
    return found


def joined(separator: str, parts: Sequence[str]) -> str:
    """Return texts joined; UNKNOWN for more than any value is, which is never made."""
    length = sum(map(len, parts)) + len(separator) * len(parts)
    charge_text(length)
    return separator.join(parts) if length <= LONGEST_VALUE else UNKNOWN


def replaced(text: str, old: str, new: str) -> str:
    """Return a text with one part of it replaced by another; UNKNOWN as in `joined`."""
    charge_text(len(text))
    length = len(text) + text.count(old) * len(new)
    return text.replace(old, new) if length <= LONGEST_VALUE else UNKNOWN


def matches_replaced(pattern: str, new: str, subject: str) -> str:
    """Return a text with every match of a pattern replaced; UNKNOWN as in `joined`."""
    compiled = compile_regex(pattern)
    if compiled is None:
        return UNKNOWN
    charge_text(10 * len(subject))
    pieces: list[str] = []
    end = length = 0
    for found in compiled.finditer(subject):
        piece = _REFERENCE.sub(partial(_referred, found), new)
        length += len(piece)
        if length > LONGEST_VALUE:
            return UNKNOWN
        pieces += [subject[end : found.start()], piece]
        end = found.end()
    return joined("", [*pieces, subject[end:]])


def _referred(found: re.Match[str], reference: re.Match[str]) -> str:
    r"""Return what `\1` stands for in a replacement; `\\` is a backslash."""
    if reference[1] is None:
        return reference[0].removeprefix("\\")
    number = int(reference[1])
    return (found.group(number) or "") if number <= len(found.groups()) else ""


def natural_key(text: str) -> list[tuple[int, int, str]]:
    """Return the key by which numbers in text sort as numbers."""
    parts = re.findall(r"[0-9]+|[^0-9]+", text)
    return [
        (0, len(part.lstrip("0")), part.lstrip("0")) if part[0] in "0123456789" else (1, 0, part)
        for part in parts
    ]
