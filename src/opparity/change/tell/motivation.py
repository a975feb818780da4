"""Why the change was made: the author's own texts, bounded, and the numbers in them."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from opparity.change.model import Motivation

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from opparity.change.model import Commit

# A pull request's text on GitHub has at most 65,536 characters; a report quotes less.
LONGEST_TEXT = 8_000
MOST_COMMITS = 30
_MOST_NUMBERS = 40
_NUMBER = re.compile(r"(?:(?<![\w&/])#|/(?:pull|issues)/)(\d{1,7})\b")
# They name people and say nothing of the change.
_TRAILER = re.compile(r"^(?:[A-Z][\w-]*-by|Change-Id): [^\n]*\n?", re.MULTILINE)


def motivate(description: str, commits: Sequence[Commit]) -> Motivation:
    """Return the motivation; texts beyond the limits are cut, and that is said."""
    kept = tuple(_shortened(each) for each in commits[:MOST_COMMITS])
    texts = [description, *(f"{each.subject}\n{each.body}" for each in kept)]
    numbers = numbers_in(texts)
    return Motivation(
        description=description[:LONGEST_TEXT].rstrip(),
        commits=kept,
        numbers=numbers[:_MOST_NUMBERS],
        is_cut=len(description) > LONGEST_TEXT
        or any(len(each.body) > LONGEST_TEXT for each in commits)
        or len(commits) > len(kept)
        or len(numbers) > _MOST_NUMBERS,
    )


def _shortened(commit: Commit) -> Commit:
    """Return a commit without the lines that name who signed it, its message not too long."""
    body = _TRAILER.sub("", commit.body[:LONGEST_TEXT])
    return replace(commit, body=body.strip())


def numbers_in(texts: Iterable[str]) -> tuple[str, ...]:
    """Return the issues and pull requests that texts name, as "#32996", in order."""
    return tuple(dict.fromkeys(f"#{number}" for text in texts for number in _NUMBER.findall(text)))
