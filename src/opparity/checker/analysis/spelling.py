"""When one name is another one misspelt: a slip of the fingers, and no word of its own."""

from __future__ import annotations

import re
from collections import defaultdict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_SHORTEST = 5
_WORD = re.compile(r"[A-Za-z]+")


def is_slip(written: str, meant: str) -> bool:
    """Return whether two neighbouring letters are exchanged, or one is left out or doubled.

    Numbers and the ends of words are no slips: `SM80` and `SM90`, `op` and `ops`, `F16` and `BF16`.
    """
    if written == meant or min(len(written), len(meant)) < _SHORTEST:
        return False
    start = next(
        (i for i, (a, b) in enumerate(zip(written, meant, strict=False)) if a != b),
        min(len(written), len(meant)),
    )
    if len(written) == len(meant):
        end = start + 2
        swapped = written[:start] + written[start:end][::-1] + written[end:]
        return swapped == meant and written[start:end].isalpha()
    longer, shorter = (written, meant) if len(written) > len(meant) else (meant, written)
    if len(longer) - len(shorter) != 1 or longer[:start] + longer[start + 1 :] != shorter:
        return False
    # The letter that is there once too often or too seldom stands between two others of its word,
    # or before three.
    between, before = longer[start - 1 : start + 2], longer[start : start + 4]
    return (len(between) == 3 and between.isalpha()) or (  # noqa: PLR2004 -- itself and two
        len(before) == 4 and before.isalpha()  # noqa: PLR2004 -- itself and three
    )


class Spellings:
    """Known names, by their first letter and length, which a slip leaves nearly as they are."""

    def __init__(self, known: Iterable[str]) -> None:
        self.known: dict[tuple[str, int], list[str]] = defaultdict(list)
        for name in known:
            self.known[name[:1], len(name)].append(name)

    def near(self, name: str) -> list[str]:
        """Return the known names of that first letter and nearly that length."""
        lengths = range(len(name) - 1, len(name) + 2)
        return [each for length in lengths for each in self.known.get((name[:1], length), ())]

    def slips_of(self, name: str) -> list[str]:
        """Return the known names that a name may be meant for."""
        return sorted(each for each in self.near(name) if is_slip(name, each))


def odd_words(written: str, meant: str) -> frozenset[str]:
    """Return the words of a name that are none of the other's."""
    return frozenset(_WORD.findall(written)) - frozenset(_WORD.findall(meant))
