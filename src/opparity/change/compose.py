"""From what the command line names to the report: trees opened, inspected, compared."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from opparity.change.build import build_report
from opparity.change.compare.architectures import compare_architectures
from opparity.change.compare.inspection import Inspected, inspect
from opparity.change.compare.trust import Concealed, Pair, follows_alike, judge
from opparity.change.git.review_comments import read_comments
from opparity.change.git.revisions import commits, find_range
from opparity.change.model import RelatedChanges
from opparity.change.tell.git_history import relate
from opparity.change.tell.motivation import MOST_COMMITS
from opparity.change.tell.related_file import read_related
from opparity.change.tell.releases import relate_releases
from opparity.checker.languages.remembering import RememberingWorkers
from opparity.checker.results.configured_tree import open_as, open_configured, open_side
from opparity.checker.results.request import request_of
from opparity.errors import OpparityError
from opparity.words.statements import state

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from opparity.change.git.revisions import Range
    from opparity.change.model import ChangeReport, Commit
    from opparity.checker.results.configuration import Configuration

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
        comments: a file of the comments of its review.
        platforms: labels; none means every one that a tree knows.
        is_head_trusted: a maintainer accepts what the tree after hides by settings and comments.
    """

    folder: Path
    revisions: str = ""
    before: Path | None = None
    after: Path | None = None
    earlier: tuple[Path, ...] = ()
    related: Path | None = None
    description: str = ""
    comments: Path | None = None
    platforms: tuple[str, ...] = ()
    is_head_trusted: bool = False


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
    places = [Place(path, path.as_posix()) for path in _paths(sources)]
    *earlier, before, after = inspect_places(places, sources.platforms, say)
    pair, concealed = judge_sides(sources, (places[-2], places[-1]), (before, after), say)
    report = _report(sources, pair, concealed, ())
    return _with_earlier(sources, report, [each for each, _ in earlier], pair.before)


def _paths(sources: Sources) -> list[Path]:
    assert sources.before is not None
    assert sources.after is not None
    return [*sources.earlier, sources.before, sources.after]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a tree is, and what the report calls it."""

    path: Path
    label: str
    revision: str | None = None


Settled = tuple["Inspected", "Configuration"]


def inspect_places(
    places: Sequence[Place], platforms: tuple[str, ...], say: Callable[[str], None]
) -> Iterator[Settled]:
    """Yield trees, each inspected as its own settings have it, and those settings."""
    with RememberingWorkers() as workers:
        for place in places:
            say(place.label)
            tree, configuration = open_configured(place.path, place.revision, open_side)
            request = request_of(configuration, platforms=platforms)
            yield inspect(tree, place.label, request, workers), configuration


def judge_sides(
    sources: Sources,
    places: tuple[Place, Place],
    sides: tuple[Settled, Settled],
    say: Callable[[str], None],
) -> tuple[Pair, Concealed]:
    """Return the two trees by the settings of the one before, and what the one after hides.

    Where the two have other settings, each is inspected by those of the other as well.
    """
    (before, first), (after, second) = sides
    own = Pair(before, after)
    if follows_alike(first, second, platforms=bool(sources.platforms)):
        return judge(own, own, (first, second), is_trusted=sources.is_head_trusted)
    with RememberingWorkers() as workers:
        others = []
        for place, configuration in zip(places, (second, first), strict=True):
            say(place.label)
            tree = open_as(place.path, place.revision, configuration)
            request = request_of(configuration, platforms=sources.platforms)
            others.append(inspect(tree, place.label, request, workers))
    by_before, by_after = Pair(before, others[1]), Pair(others[0], after)
    return judge(by_before, by_after, (first, second), is_trusted=sources.is_head_trusted)


def _of_revisions(sources: Sources, say: Callable[[str], None]) -> ChangeReport:
    found = find_range(sources.folder, sources.revisions)
    named = ((found.base, found.base_label), (found.head, found.head_label))
    places = [Place(sources.folder, label, commit) for commit, label in named]
    before, after = inspect_places(places, sources.platforms, say)
    pair, concealed = judge_sides(sources, (places[0], places[1]), (before, after), say)
    messages = commits(found.git, MOST_COMMITS + 1, found.head, f"^{found.base}")
    report = _report(sources, pair, concealed, tuple(messages))
    return _with_history(sources, report, found, pair.before, pair.after)


def _report(
    sources: Sources, pair: Pair, concealed: Concealed, messages: tuple[Commit, ...]
) -> ChangeReport:
    comments, is_cut = read_comments(sources.comments) if sources.comments else ((), False)
    report = build_report(
        pair.before,
        pair.after,
        description=sources.description[:_LONGEST_DESCRIPTION],
        commits=messages,
        architectures=compare_architectures(pair.before, pair.after),
        concealed=concealed,
        comments=comments,
    )
    if is_cut:
        discussion = replace(report.review.discussion, is_cut=True)
        report = replace(report, review=replace(report.review, discussion=discussion))
    return report


def _with_history(
    sources: Sources, report: ChangeReport, found: Range, before: Inspected, after: Inspected
) -> ChangeReport:
    related = relate(found, before, after, report)
    return replace(report, related=_with_given(sources, related))


def _with_earlier(
    sources: Sources, report: ChangeReport, earlier: list[Inspected], before: Inspected
) -> ChangeReport:
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
