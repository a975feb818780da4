"""The lines of a file that changed, bounded whatever the file holds."""

from __future__ import annotations

import re
import sys
from bisect import bisect
from collections import Counter
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import TYPE_CHECKING

from opparity.change.model import Excerpt, ExcerptLine, LineKind
from opparity.checker.tree.names import printable

if TYPE_CHECKING:
    from collections.abc import Iterable

# Two files of this many lines that differ all over take difflib about a second.
_MOST_LINES = 6_000
_CONTEXT = 2
# A line of an excerpt holds this many characters.
_LONGEST = 160


@dataclass(frozen=True, slots=True)
class Difference:
    """How two texts differ: counts, and the lines around what matters."""

    added: int
    removed: int
    excerpts: tuple[Excerpt, ...]
    omitted: int


def compare_texts(before: str, after: str, terms: Iterable[str], budget: int) -> Difference:
    """Return the difference of two texts, up to `budget` lines; those that name a term go first."""
    old, new = before.splitlines(), after.splitlines()
    start, old_end, new_end = _different_part(old, new)
    if max(old_end - start, new_end - start) > _MOST_LINES:
        first, second = Counter(old[start:old_end]), Counter(new[start:new_end])
        added, removed = (second - first).total(), (first - second).total()
        return Difference(added, removed, (), added + removed)
    lines = _aligned(old, new, start, old_end, new_end)
    changed = [number for number, line in enumerate(lines) if line.kind is not LineKind.CONTEXT]
    shown = _shown(lines, changed, terms, budget)
    excerpts = tuple(
        Excerpt(tuple(lines[number] for number in run)) for run in _runs(sorted(shown))
    )
    added = sum(lines[number].kind is LineKind.ADDED for number in changed)
    return Difference(
        added=added,
        removed=len(changed) - added,
        excerpts=excerpts,
        omitted=sum(number not in shown for number in changed),
    )


def changed_lines(before: str, after: str) -> tuple[frozenset[int], frozenset[int]]:
    """Return the numbers of the lines that are gone, and of those that are new.

    Texts too long to be aligned are changed from their first difference to their last.
    """
    old, new = before.splitlines(), after.splitlines()
    start, old_end, new_end = _different_part(old, new)
    if max(old_end - start, new_end - start) > _MOST_LINES:
        return frozenset(range(start + 1, old_end + 1)), frozenset(range(start + 1, new_end + 1))
    lines = _aligned(old, new, start, old_end, new_end)
    gone = (line.before for line in lines if line.kind is LineKind.REMOVED)
    come = (line.after for line in lines if line.kind is LineKind.ADDED)
    return frozenset(filter(None, gone)), frozenset(filter(None, come))


def _different_part(old: list[str], new: list[str]) -> tuple[int, int, int]:
    """Return where two lists begin to differ, and where each ends to."""
    start = 0
    while start < min(len(old), len(new)) and old[start] == new[start]:
        start += 1
    end = 0
    while end < min(len(old), len(new)) - start and old[-1 - end] == new[-1 - end]:
        end += 1
    return start, len(old) - end, len(new) - end


def _aligned(
    old: list[str], new: list[str], start: int, old_end: int, new_end: int
) -> list[ExcerptLine]:
    """Return both texts as one list of lines, from a little before the first difference."""
    lines = [
        _line(LineKind.CONTEXT, old[number], number, number)
        for number in range(max(start - _CONTEXT, 0), start)
    ]
    matcher = SequenceMatcher(None, old[start:old_end], new[start:new_end])
    for tag, first, first_end, second, second_end in matcher.get_opcodes():
        if tag == "equal":
            lines.extend(
                _line(
                    LineKind.CONTEXT,
                    old[start + first + each],
                    start + first + each,
                    start + second + each,
                )
                for each in range(first_end - first)
            )
            continue
        lines.extend(
            _line(LineKind.REMOVED, old[start + each], start + each, None)
            for each in range(first, first_end)
        )
        lines.extend(
            _line(LineKind.ADDED, new[start + each], None, start + each)
            for each in range(second, second_end)
        )
    lines.extend(
        _line(LineKind.CONTEXT, old[old_end + each], old_end + each, new_end + each)
        for each in range(min(_CONTEXT, len(old) - old_end))
    )
    return lines


def _line(kind: LineKind, text: str, before: int | None, after: int | None) -> ExcerptLine:
    shown = text.expandtabs(4).rstrip()
    if len(shown) > _LONGEST:
        shown = shown[:_LONGEST] + "…"
    return ExcerptLine(
        kind=kind,
        text=printable(shown),
        before=None if before is None else before + 1,
        after=None if after is None else after + 1,
    )


def _shown(
    lines: list[ExcerptLine], changed: list[int], terms: Iterable[str], budget: int
) -> set[int]:
    """Return the lines to show: what names a term, then the nearest, each with its context."""
    expression = re.compile("|".join(rf"\b{re.escape(term)}\b" for term in terms) or r"(?!)")
    matters = [number for number in changed if expression.search(lines[number].text)]
    shown: set[int] = set()
    rest = sorted(changed, key=lambda number: _distance(number, matters))
    for number in dict.fromkeys((*matters, *rest)):
        window = {
            each
            for each in range(number - _CONTEXT, number + _CONTEXT + 1)
            if 0 <= each < len(lines)
        }
        if len(shown | window) > budget:
            break
        shown |= window
    return shown


def _distance(number: int, matters: list[int]) -> int:
    """Return how far a line is from what matters; those after it go first."""
    position = bisect(matters, number)
    below = 2 * (number - matters[position - 1]) if position else sys.maxsize
    above = 2 * (matters[position] - number) + 1 if position < len(matters) else sys.maxsize
    return min(below, above)


def _runs(numbers: list[int]) -> list[range]:
    """Return sorted numbers as runs of neighbours."""
    runs: list[range] = []
    for number in numbers:
        if runs and runs[-1].stop == number:
            runs[-1] = range(runs[-1].start, number + 1)
        else:
            runs.append(range(number, number + 1))
    return runs
