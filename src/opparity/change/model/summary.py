"""The two sides of a report, what becomes of each platform, and the author's motives."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from opparity.words.statements import Statement


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two trees.

    Attributes:
        label: the revision, folder or archive as the user named it, or as git calls it.
        project: the tree's own name.
        operators: how many operators some platform registers.
        errors: findings of severity error; `warnings` and `information` likewise.
        unknowns: what could not be decided.
        unread: files that could not be read.
        is_empty: it has nothing that a check is about.
        basis: what its check is based on, and what it could not follow.
    """

    label: str
    project: str
    operators: int
    errors: int
    warnings: int
    information: int
    unknowns: int
    unread: int
    is_empty: bool = False
    basis: tuple[Statement, ...] = ()


def bases(before: Side, after: Side) -> tuple[tuple[str, Statement], ...]:
    """Return what both checks are based on: ("before", …), ("", …) for both, ("after", …)."""
    return (
        *(("before", each) for each in before.basis if each not in after.basis),
        *(("", each) for each in before.basis if each in after.basis),
        *(("after", each) for each in after.basis if each not in before.basis),
    )


class Verdict(StrEnum):
    """What is known of something on a platform."""

    WORKS = "works"  # nothing was found against it
    FAILS = "fails"
    UNDECIDED = "undecided"  # nothing was found against it, and something could not be decided


@dataclass(frozen=True, slots=True)
class Outlook:
    """What one tree does on a platform.

    Attributes:
        imports: the extension's import; it fails on an undefined symbol.
        calls: Python's calls of operators; they fail where the operator is absent.
        undecided: how many questions of either kind stayed open.
        is_unread: the build was not understood, or less of it than in the tree before.
    """

    imports: Verdict
    calls: Verdict
    undecided: int
    is_unread: bool = False


@dataclass(frozen=True, slots=True)
class PlatformVerdict:
    """A platform before and after; None where that tree does not know the platform."""

    platform: str
    before: Outlook | None
    after: Outlook | None


@dataclass(frozen=True, slots=True)
class Summary:
    """The facts of one paragraph: `paragraph` has its sentences in order.

    Attributes:
        understood: how much of the trees the report is based on, where that is not all.
    """

    paragraph: tuple[Statement, ...]
    verdicts: tuple[PlatformVerdict, ...]
    understood: tuple[Statement, ...] = ()


@dataclass(frozen=True, slots=True)
class Commit:
    """A commit of the change: its name, day, subject and the rest of its message."""

    identity: str
    date: str
    subject: str
    body: str


@dataclass(frozen=True, slots=True)
class Motivation:
    """Why, in the author's words.

    Attributes:
        description: the pull request's text; "" where none was given.
        commits: those of the change, newest first; empty where the trees have no history.
        numbers: issues and pull requests that the texts name, as "#38750", in order.
        is_cut: texts or commits beyond the limit were left out.
    """

    description: str
    commits: tuple[Commit, ...]
    numbers: tuple[str, ...]
    is_cut: bool
