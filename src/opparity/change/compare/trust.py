"""What a change's own settings and comments hide: a change must not judge itself.

Both trees are inspected by the settings of the tree before. Where the tree after has other
settings, or accepts in comments what the tree before did not, the difference is what it hides.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from opparity.change.compare.identity import without
from opparity.checker.results.configuration import Configuration
from opparity.words.statements import state

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opparity.change.compare.inspection import Inspected
    from opparity.checker.results.suppressions import Accepted
    from opparity.checker.rules.findings import Finding
    from opparity.words.statements import Statement

# These are of the command `check` alone: a report applies no baseline and lists unknowns apart.
_NOT_FOLLOWED = frozenset({"strict", "baseline"})


@dataclass(frozen=True)
class Pair:
    """Both trees, inspected by one and the same settings."""

    before: Inspected
    after: Inspected


@dataclass(frozen=True, slots=True)
class Hidden:
    """A finding that the tree after hides, and the tree before would not.

    Attributes:
        is_new: the tree before has no such finding.
        reason: by what it is hidden.
    """

    finding: Finding
    is_new: bool
    reason: Statement


@dataclass(frozen=True, slots=True)
class Concealed:
    """What the tree after hides, and how it is dealt with.

    Attributes:
        hidden: findings; where they are not accepted they are among those of the tree after, too.
        settings: the settings that the change alters.
        by_after: both trees by the settings of the tree after, where these are others and the
            report follows those of the tree before.
        is_trusted: a maintainer accepts what is hidden.
    """

    hidden: tuple[Hidden, ...] = ()
    settings: tuple[Statement, ...] = ()
    by_after: Pair | None = None
    is_trusted: bool = False


def follows_alike(first: Configuration, second: Configuration, *, platforms: bool) -> bool:
    """Tell whether a report of a tree is the same by either settings; platforms may be given."""
    left_out = _NOT_FOLLOWED | ({"platforms"} if platforms else set())
    return all(
        getattr(first, field.name) == getattr(second, field.name)
        for field in Configuration.keys().values()
        if field.name not in left_out
    )


def judge(
    by_before: Pair,
    by_after: Pair,
    settings: tuple[Configuration, Configuration],
    *,
    is_trusted: bool,
) -> tuple[Pair, Concealed]:
    """Return the trees as a report is to tell of them, and what the tree after hides.

    Args:
        by_before: both trees by the settings of the tree before.
        by_after: both trees by those of the tree after; the same object where they are no others.
        settings: of the tree before and of the tree after.
        is_trusted: a maintainer accepts what the tree after hides.
    """
    hidden = tuple(_hidden(by_before, by_after.after))
    altered = tuple(_altered(*settings))
    if is_trusted:
        return by_after, Concealed(hidden, altered, is_trusted=True)
    findings = [*by_before.after.report.findings, *_newly_accepted(by_before)]
    findings.sort(key=lambda each: each.location)
    shown = replace(by_before.after.report, findings=tuple(findings))
    pair = Pair(by_before.before, replace(by_before.after, report=shown))
    return pair, Concealed(hidden, altered, None if by_after is by_before else by_after)


def _accepted(inspected: Inspected) -> list[Finding]:
    """Return the findings that comments of a tree accept."""
    return [each.result for each in inspected.accepted_findings]


def _newly_accepted(pair: Pair) -> list[Finding]:
    """Return what comments of the tree after accept and none of the tree before did."""
    return without(_accepted(pair.after), _accepted(pair.before))


def _hidden(by_before: Pair, own: Inspected) -> Iterator[Hidden]:
    """Yield what the tree after does not show by its own settings and comments."""
    found = [*by_before.after.report.findings, *_newly_accepted(by_before)]
    known = [*_accepted(by_before.before), *by_before.before.report.findings]
    hidden = without(found, own.report.findings)
    new = set(map(id, without(hidden, known)))
    comments = {each.result: each for each in own.accepted_findings}
    for finding in hidden:
        yield Hidden(finding, id(finding) in new, _reason(finding, own, comments.get(finding)))


def _reason(finding: Finding, own: Inspected, comment: Accepted[Finding] | None) -> Statement:
    if comment is not None:
        place = str(comment.by.location).rpartition(":")[0]
        return state("hidden.comment", place=place, reason=comment.by.reason)
    if finding.rule not in {rule.code for rule in own.report.rules}:
        return state("hidden.rule", rule=finding.rule)
    if finding.platform and finding.platform not in own.platforms:
        return state("hidden.platform", platform=finding.platform)
    path = finding.location.path
    if path not in own.tree.files:
        return state("hidden.excluded", path=path)
    if own.is_ignored(finding):
        return state("hidden.per_file", path=path, rule=finding.rule)
    return state("hidden.settings")


def _altered(before: Configuration, after: Configuration) -> Iterator[Statement]:
    """Yield the settings that have another value, those of `check` alone included."""
    for key, field in Configuration.keys().items():
        first, second = getattr(before, field.name), getattr(after, field.name)
        if first != second:
            yield state("hidden.setting", setting=key, old=_written(first), new=_written(second))


def _written(value: object) -> str:
    """Return a value as TOML has it, near enough to be recognised."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        return f"[{', '.join(_written(each) for each in value)}]"
    return f'"{value}"'
