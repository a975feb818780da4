"""Numbers as text has them: nobody vouches for their digits, nor for how many there are."""

from __future__ import annotations

import re

# Far above a version, an index or a macro's value, and far below what Python refuses to convert.
_MOST_DIGITS = 40
_WHOLE = re.compile(r"[+-]?[0-9]+", re.ASCII)
_SUFFIX = re.compile(r"[uUlLzZ]{0,4}\Z")
# What a literal begins with, its digits, and their base.
_LITERALS = (
    (re.compile(r"0[xX]([0-9a-fA-F]+)"), 16),
    (re.compile(r"0[bB]([01]+)"), 2),
    (re.compile(r"0([0-7]+)"), 8),
    (re.compile(r"([0-9]+)"), 10),
)


def whole_number(text: str) -> int | None:
    """Return the number that decimal digits stand for; None for other text, and for too many."""
    is_number = len(text) <= _MOST_DIGITS and _WHOLE.fullmatch(text)
    return int(text) if is_number else None


def c_number(text: str) -> int | None:
    """Return the value of a C literal: decimal, octal, hexadecimal or binary; None for no such.

    `08` is none, and neither is a number that no integer type holds.
    """
    if len(text) > _MOST_DIGITS:
        return None
    digits = _SUFFIX.sub("", text.replace("'", ""))
    for literal, base in _LITERALS:
        found = literal.fullmatch(digits)
        if found and not (base == 10 and len(digits) > 1 and digits[0] == "0"):  # noqa: PLR2004
            return int(found[1], base)
    return None


def version_parts(text: str) -> list[tuple[int, str]]:
    """Return what a version's numbers compare by, whatever their length."""
    parts = (part.lstrip("0") for part in re.findall(r"[0-9]+", text))
    return [(len(part), part) for part in parts]
