"""What a reviewer should know."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from opparity.change.model.discussion import NO_DISCUSSION, Discussion
from opparity.checker.rules.findings import Severity

if TYPE_CHECKING:
    from opparity.checker.rules.findings import Effect
    from opparity.words.statements import Statement


@dataclass(frozen=True, slots=True)
class Place:
    """A line of one of the trees, and what is to be seen there."""

    path: str
    line: int
    note: Statement | None = None


@dataclass(frozen=True, slots=True)
class Suggestion:
    """An edit that would mend a finding.

    Attributes:
        advice: what to do.
        path: the file to edit; "" where the advice names no line.
        line: the line to edit; 0 likewise.
        old: the line as it is.
        new: the line as it should be; "" where only the advice can be given.
    """

    advice: Statement
    path: str = ""
    line: int = 0
    old: str = ""
    new: str = ""


@dataclass(frozen=True, slots=True)
class ReviewedFinding:
    """A finding of the checker that one of the trees has and the other has not.

    Attributes:
        effect: what follows on these platforms.
        statement: what the checker says.
        platforms: those for which it was made; empty where it holds for all.
        excerpt: the line of source.
    """

    rule: str
    name: str
    severity: Severity
    effect: Effect
    platforms: tuple[str, ...]
    operator: str
    symbol: str
    path: str
    line: int
    statement: Statement
    excerpt: str
    related: tuple[Place, ...]
    suggestion: Suggestion | None


@dataclass(frozen=True, slots=True)
class HiddenFinding:
    """A finding that the settings or comments of the tree after hide.

    Attributes:
        is_new: the tree before has no such finding.
        reason: by what it is hidden.
    """

    finding: ReviewedFinding
    is_new: bool
    reason: Statement


@dataclass(frozen=True, slots=True)
class Review:
    """What a reviewer should know.

    Attributes:
        introduced: findings of the tree after that the tree before has not.
        fixed: findings of the tree before that the tree after has not.
        unresolved: findings of both trees about operators that the change touches.
        remaining: how many findings both trees have, the unresolved among them.
        remarks: what is to be said of macros and guards that the change touches.
        hidden: findings that the tree after hides and the tree before would not; they are among
            the others as well, unless the tree after is trusted.
        settings: the checker's settings that the change alters.
        is_trusted: a maintainer accepts what is hidden.
        unread: findings of the tree before that rest on what cannot be read any more.
        discussion: what reviewers wrote.
        understands_less: a build or file that was understood is not any more.
    """

    introduced: tuple[ReviewedFinding, ...]
    fixed: tuple[ReviewedFinding, ...]
    unresolved: tuple[ReviewedFinding, ...]
    remaining: int
    remarks: tuple[Statement, ...]
    hidden: tuple[HiddenFinding, ...] = ()
    settings: tuple[Statement, ...] = ()
    is_trusted: bool = False
    unread: tuple[ReviewedFinding, ...] = ()
    understands_less: bool = False
    discussion: Discussion = NO_DISCUSSION

    @property
    def fails(self) -> bool:
        """Tell whether the change introduces an error, or has one out of sight and not accepted."""
        if any(each.severity is Severity.ERROR for each in self.introduced):
            return True
        is_hidden = any(each.finding.severity is Severity.ERROR for each in self.hidden)
        return (is_hidden or self.understands_less) and not self.is_trusted
