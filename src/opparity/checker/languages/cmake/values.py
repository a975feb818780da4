"""CMake's values: text, with two marks for what is not known.

UNKNOWN stands for text that nobody knows; DOUBTFUL, at the end of a list's element, says that
the element may be absent. Both are private-use characters, so they survive every string command.
"""

from __future__ import annotations

import re
from functools import lru_cache

UNKNOWN = "\ue000"
DOUBTFUL = "\ue001"
_MARKS = (UNKNOWN, DOUBTFUL)
_FALSE = frozenset({"", "0", "OFF", "NO", "FALSE", "N", "IGNORE", "NOTFOUND"})
_TRUE = frozenset({"1", "ON", "YES", "TRUE", "Y"})
# A quantifier on a group that holds a quantifier: may take exponential time on a hostile tree.
# A repeated group that can match one text in several ways takes exponential time where it fails.
_NESTED_QUANTIFIER = re.compile(r"[*+?|][^()]*\)+[*+]")
_QUANTIFIER = re.compile(r"[*+]")
# Each unbounded repetition may try every length of the subject; about a second of such trials.
_MOST_TRIALS = 10**8
_LONGEST_SUBJECT = 20_000


def is_decided(value: str) -> bool:
    """Return whether a value has no mark."""
    return UNKNOWN not in value and DOUBTFUL not in value


def split_list(value: str) -> list[str]:
    r"""Return a list's elements; `\;` and semicolons in square brackets do not separate."""
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
    olds, news = split_list(old), split_list(new)
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
    return value.upper() in _TRUE or bool(re.fullmatch(r"[+-]?\d*\.?\d+", value))


def compare_versions(left: str, right: str) -> int:
    """Return -1, 0 or 1."""
    pair = [[int(part) for part in re.findall(r"\d+", text)] for text in (left, right)]
    length = max(map(len, pair))
    first, second = ([*parts, *[0] * (length - len(parts))] for parts in pair)
    return (first > second) - (first < second)


@lru_cache(maxsize=1000)
def compile_regex(pattern: str) -> re.Pattern[str] | None:
    """Return CMake's regular expression as Python's; None for one that is refused."""
    if len(pattern) > 1000 or _NESTED_QUANTIFIER.search(pattern):  # noqa: PLR2004 -- far above real ones
        return None
    translated = re.sub(r"\\([^\w\s])", r"\\\1", pattern)
    try:
        return re.compile(translated)
    except (re.error, OverflowError, RecursionError):
        return None


def is_costly(pattern: str, subject: str) -> bool:
    """Tell whether a search could take longer than a second: such a pattern is not tried."""
    repetitions = len(_QUANTIFIER.findall(pattern))
    return len(subject) > _LONGEST_SUBJECT or (
        repetitions > 1 and len(subject) ** repetitions > _MOST_TRIALS
    )


def search(pattern: str, subject: str) -> re.Match[str] | str | None:
    """Return the match, None for none, or UNKNOWN where it cannot be decided."""
    compiled = compile_regex(pattern)
    if compiled is None or is_costly(pattern, subject) or not is_decided(pattern):
        return UNKNOWN
    found = compiled.search(subject)
    if found is None and not is_decided(subject):
        return UNKNOWN
    return found


def replacement(text: str) -> str:
    r"""Return CMake's replacement text as Python's: `\1` is the same, other escapes are not."""
    return re.sub(r"\\(?![0-9])", r"\\\\", text).replace("\\0", "\\g<0>")


def natural_key(text: str) -> list[tuple[int, int, str]]:
    """Return the key by which numbers in text sort as numbers."""
    parts = re.findall(r"\d+|\D+", text)
    return [(0, int(part), "") if part.isdigit() else (1, 0, part) for part in parts]
