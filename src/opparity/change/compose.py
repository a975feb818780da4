"""From what the command line names to the report: trees opened, inspected, compared."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from opparity.change.architectures import compare_architectures
from opparity.change.build import build_report
from opparity.change.git_history import relate
from opparity.change.inspection import Inspected, inspect
from opparity.change.model import RelatedChanges
from opparity.change.motivation import MOST_COMMITS
from opparity.change.related_file import read_related
from opparity.change.releases import relate_releases
from opparity.change.revisions import commits, find_range
from opparity.change.statements import state
from opparity.checker.inspection import Request
from opparity.checker.opening import open_configured, parse_platforms
from opparity.checker.rules import RULES
from opparity.checker.selection import select_rules
from opparity.errors import OpparityError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from opparity.change.model import ChangeReport, Commit
    from opparity.change.revisions import Range

# The text of a pull request on GitHub has at most 65,536 characters.
_LONGEST_DESCRIPTION = 1_000_000


class ReportRefused(OpparityError):
    """A report that was asked for in a way that names no two trees."""

    message = "{detail}; give BASE..HEAD, or --before A --after B"


@dataclass(frozen=True, slots=True)
class Sources:
    """What the command line names.

    Attributes:
        folder: the repository that `revisions` (BASE..HEAD) is of.
        earlier: trees older than `before`, oldest first, to look for related changes in.
        related: a file that names related changes.
        description: the pull request's text.
        platforms: labels; none means every one that a tree knows.
    """

    folder: Path
    revisions: str = ""
    before: Path | None = None
    after: Path | None = None
    earlier: tuple[Path, ...] = ()
    related: Path | None = None
    description: str = ""
    platforms: tuple[str, ...] = ()


def compose(sources: Sources, say: Callable[[str], None] = lambda _: None) -> ChangeReport:
    """Return the report; `say` is told what is being read.

    Raises:
        OpparityError: something that was named is not there or cannot be read.
    """
    if bool(sources.revisions) == bool(sources.before or sources.after):
        raise ReportRefused(detail="a report compares two trees")
    if sources.revisions:
        return _of_revisions(sources, say)
    if sources.before is None or sources.after is None:
        raise ReportRefused(detail="--before and --after belong together")
    before = inspect_path(sources.before, sources.platforms, say)
    after = inspect_path(sources.after, sources.platforms, say)
    report = _report(sources, before, after, ())
    return _with_earlier(sources, report, before, say)


def inspect_path(
    path: Path,
    platforms: tuple[str, ...],
    say: Callable[[str], None],
    *,
    revision: str | None = None,
    label: str = "",
) -> Inspected:
    """Return a tree, inspected as its own settings have it."""
    label = label or path.as_posix()
    say(label)
    tree, configuration = open_configured(path, revision)
    request = Request(
        platforms=parse_platforms(platforms or configuration.platforms),
        rules=select_rules(RULES, configuration.select, configuration.ignore),
    )
    return inspect(tree, label, request)


def _of_revisions(sources: Sources, say: Callable[[str], None]) -> ChangeReport:
    found = find_range(sources.folder, sources.revisions)
    before, after = (
        inspect_path(sources.folder, sources.platforms, say, revision=commit, label=label)
        for commit, label in ((found.base, found.base_label), (found.head, found.head_label))
    )
    messages = commits(found.git, MOST_COMMITS + 1, found.head, f"^{found.base}")
    report = _report(sources, before, after, tuple(messages))
    return _with_history(sources, report, found, before, after)


def _report(
    sources: Sources, before: Inspected, after: Inspected, messages: tuple[Commit, ...]
) -> ChangeReport:
    return build_report(
        before,
        after,
        description=sources.description[:_LONGEST_DESCRIPTION],
        commits=messages,
        architectures=compare_architectures(before, after),
    )


def _with_history(
    sources: Sources, report: ChangeReport, found: Range, before: Inspected, after: Inspected
) -> ChangeReport:
    related = relate(found, before, after, report)
    return replace(report, related=_with_given(sources, related))


def _with_earlier(
    sources: Sources, report: ChangeReport, before: Inspected, say: Callable[[str], None]
) -> ChangeReport:
    earlier = [inspect_path(path, sources.platforms, say) for path in sources.earlier]
    touched = frozenset(row.operator for row in report.matrix.changed)
    if earlier:
        related = relate_releases([*earlier, before], touched)
    else:
        related = RelatedChanges((), (), (), (state("related.no_history"),))
    return replace(report, related=_with_given(sources, related))


def _with_given(sources: Sources, related: RelatedChanges) -> RelatedChanges:
    """Put what the user names before what was found."""
    if sources.related is None:
        return related
    direct, indirect = read_related(sources.related)
    return replace(
        related, direct=(*direct, *related.direct), indirect=(*indirect, *related.indirect)
    )
