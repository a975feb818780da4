"""What reviewers wrote of a change, and what the checker says of the same place."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from opparity.words.statements import Statement


@dataclass(frozen=True, slots=True)
class ReviewComment:
    """A comment of a pull request's review; nothing of it is trusted.

    Attributes:
        identity: its number, and that of the comment which it answers; "" for none.
        date: YYYY-MM-DD, or "".
        path: the file that it stands at; "" for the review as a whole.
        line: the line there, the last of several; 0 where it speaks of the file, or of a line that
            is no more.
        first_line: the first of several lines; 0 for one.
        is_before: the line is one of the tree before.
    """

    identity: str
    answers: str
    author: str
    date: str
    path: str
    line: int
    first_line: int
    is_before: bool
    body: str


@dataclass(frozen=True, slots=True)
class Discussed:
    """A comment that concerns the change or a finding.

    Attributes:
        reasons: why it is quoted.
        answers: what the checker says of the same place; empty where it finds nothing there.
    """

    comment: ReviewComment
    reasons: tuple[Statement, ...]
    answers: tuple[Statement, ...]


@dataclass(frozen=True, slots=True)
class Discussion:
    """The comments that are quoted; `left_out` others concern nothing that the report tells of."""

    quoted: tuple[Discussed, ...] = ()
    left_out: int = 0
    is_cut: bool = False


NO_DISCUSSION = Discussion()
