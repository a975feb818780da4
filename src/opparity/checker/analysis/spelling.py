"""When one name is another one misspelt: a slip of the fingers, and no word of its own."""

from __future__ import annotations

import re
from collections import defaultdict
from difflib import get_close_matches
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

_SHORTEST = 5
_SHORTEST_WORD = 3
# Longer names are nobody's.
_LONGEST = 200
# So many names of one first letter and length are all looked at; vLLM 0.33.0 has at most 90.
_FEW = 300
# difflib takes up to 0.1 ms for two names.
_MOST_COMPARED = 20_000
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


def is_near(written: str, meant: str) -> bool:
    """Return whether two neighbouring letters are exchanged, or one is left out or one too many.

    For names of which it is known otherwise that they are one. Nothing in a word with a digit is
    a slip: `SM90A`, `BF16` and the compilers' own names are names of their own.
    """
    if meant.startswith("__"):
        return False
    if written == meant or abs(len(written) - len(meant)) > 1 or len(meant) < _SHORTEST:
        return False
    pairs = enumerate(zip(written, meant, strict=False))
    start = next((i for i, (a, b) in pairs if a != b), min(len(written), len(meant)))
    if len(written) == len(meant):
        end = start + 2
        swapped = written[:start] + written[start:end][::-1] + written[end:]
        return swapped == meant and not _is_in_number(written, start, end)
    longer, shorter = (written, meant) if len(written) > len(meant) else (meant, written)
    is_one_more = longer[:start] + longer[start + 1 :] == shorter
    return start > 0 and is_one_more and not _is_in_number(longer, start, start + 1)


def is_near_number(written: str, meant: str) -> bool:
    """Return whether a word with a digit lacks one letter of another, or has two exchanged.

    For names of which it is known that one is nobody's. The letter stands inside of the word:
    `F16` and `BF16`, `SM90` and `SM90A` are names of their own, `F8` is none beside `FP8`.

    Args:
        written: the name that is nobody's.
        meant: one that is somebody's.
    """
    if len(meant) < _SHORTEST or written == meant or abs(len(written) - len(meant)) > 1:
        return False
    pairs = enumerate(zip(written, meant, strict=False))
    start = next((i for i, (a, b) in pairs if a != b), min(len(written), len(meant)))
    if len(written) == len(meant):
        one, two = written[start : start + 2], meant[start : start + 2]
        is_swapped = one == two[::-1] and written[start + 2 :] == meant[start + 2 :]
        return is_swapped and one.isalnum() and not one.isdigit()
    longer, shorter = (written, meant) if len(written) > len(meant) else (meant, written)
    around = longer[start - 1 : start + 2]
    is_inside = len(around) == 3 and around.isalnum()  # noqa: PLR2004 -- itself and two
    return longer[:start] + longer[start + 1 :] == shorter and is_inside and around[1].isalpha()


def is_one_letter_off(written: str, meant: str) -> bool:
    """Return whether two neighbours are exchanged, or one letter is left out, wherever it stood.

    For two names of which nobody else has either: one is defined and never tested, the other is
    tested and never defined. The first letter and the last are those of both.
    """
    if min(len(written), len(meant)) < _SHORTEST or written[0] != meant[0]:
        return False
    pairs = enumerate(zip(written, meant, strict=False))
    start = next((i for i, (a, b) in pairs if a != b), min(len(written), len(meant)))
    if len(written) == len(meant):
        one, two = written[start : start + 2], meant[start : start + 2]
        is_swapped = one == two[::-1] and written[start + 2 :] == meant[start + 2 :]
        return is_swapped and one.isalnum()
    longer, shorter = (written, meant) if len(written) > len(meant) else (meant, written)
    is_one_less = longer[:start] + longer[start + 1 :] == shorter
    return is_one_less and start < len(shorter) and longer[start].isalpha()


def is_one_letter_longer(written: str, meant: str) -> bool:
    """Return whether one name has a letter more at its end than the other.

    For two names of which nobody else has either, as above. The last word has letters alone, and
    three without that one: `SM90A` is a name of its own, and so are `OP_X` and `OP_XY`. So may the
    plural be.
    """
    longer, shorter = (written, meant) if len(written) > len(meant) else (meant, written)
    last = shorter.rpartition("_")[2]
    is_telling = len(shorter) >= _SHORTEST and len(last) >= _SHORTEST_WORD and last.isalpha()
    return is_telling and longer[:-1] == shorter and longer[-1].isalpha() and longer[-1] not in "sS"


def lacks_a_digit(written: str, meant: str) -> bool:
    """Return whether a name is another one without a digit inside of a word: `BF6` for `BF16`."""
    if len(meant) - len(written) != 1 or len(written) < _SHORTEST:
        return False
    start = next((i for i, (a, b) in enumerate(zip(written, meant, strict=False)) if a != b), -1)
    is_inside = start > 0 and meant[start - 1].isalnum()
    return is_inside and meant[start].isdigit() and written[start:] == meant[start + 1 :]


def _is_in_number(name: str, start: int, end: int) -> bool:
    """Return whether a part of a name stands in a word, between underscores, that has a digit."""
    word = name[:start].rpartition("_")[2] + name[start:end] + name[end:].partition("_")[0]
    return any(map(str.isdigit, word))


class Spellings:
    """Known names, by their first letter and length, which a slip leaves nearly as they are."""

    def __init__(self, known: Iterable[str]) -> None:
        self.known: dict[tuple[str, int], dict[str, None]] = defaultdict(dict)
        for name in known:
            self.known[name[:1], len(name)][name] = None
        self._shortened: dict[tuple[str, int], dict[str, list[str]]] = {}

    def near(self, name: str) -> list[str]:
        """Return known names of that first letter and nearly that length.

        Where there are many, only those that are the name, or the name with two neighbouring
        letters exchanged, or with one letter more or less.
        """
        found: list[str] = []
        for length in range(len(name) - 1, len(name) + 2):
            names = self.known.get((name[:1], length), {})
            if len(names) <= _FEW:
                found.extend(names)
            elif length <= _LONGEST:
                found.extend(each for each in self._changed(name, length) if each in names)
        return found

    def _changed(self, name: str, length: int) -> Iterable[str]:
        if length < len(name):
            return dict.fromkeys(_shorter(name))
        if length > len(name):
            return self._longer(name, (name[:1], length))
        swapped = (name[:i] + name[i : i + 2][::-1] + name[i + 2 :] for i in range(len(name)))
        return dict.fromkeys(swapped)

    def _longer(self, name: str, group: tuple[str, int]) -> list[str]:
        if group not in self._shortened:
            index = self._shortened[group] = defaultdict(list)
            for known in self.known[group]:
                for shorter in dict.fromkeys(_shorter(known)):
                    index[shorter].append(known)
        return self._shortened[group].get(name, [])

    def slips_of(self, name: str) -> list[str]:
        """Return the known names that a name may be meant for."""
        return sorted(each for each in self.near(name) if is_slip(name, each))


def _shorter(name: str) -> Iterator[str]:
    return (name[:index] + name[index + 1 :] for index in range(len(name)))


class Suggestions:
    """Finds names like others, as often as that takes no time."""

    def __init__(self) -> None:
        self.left = _MOST_COMPARED

    def nearest(self, name: str, known: Collection[str], most: int, cutoff: float) -> list[str]:
        """Return the known names most like a name; none where too many were looked at before."""
        self.left -= len(known)
        if self.left < 0 or len(name) > _LONGEST:
            return []
        return get_close_matches(name, known, n=most, cutoff=cutoff)


def odd_words(written: str, meant: str) -> frozenset[str]:
    """Return the words of a name that are none of the other's."""
    return frozenset(_WORD.findall(written)) - frozenset(_WORD.findall(meant))
