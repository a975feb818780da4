"""An operator's life over the commits of a git repository; nothing is checked out.

Looked at are the commits whose lines name the operator, its functions or its sources, and those
that change the guard around its registration or prototype without touching their lines.
"""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from opparity.change.git.revisions import boundary, commits
from opparity.checker.languages.cpp.reader import read_native_text
from opparity.checker.languages.remembering import RememberingWorkers
from opparity.checker.tree.contents import NATIVE_SUFFIXES
from opparity.checker.tree.revisions import Git
from opparity.errors import OpparityError
from opparity.history.states import OperatorUnknown, Sighting, look, tell

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    from opparity.change.model import Commit
    from opparity.checker.facts.native import Declaration, Registration
    from opparity.history.model import OperatorHistory

# Some two years of vLLM; git compares the files of each in about 5 ms.
_MOST_COMMITS = 20_000
# The names of files that 20,000 commits touched take some 20 MB.
_MOST_BYTES = 256 << 20
_MOST_FILES = 6
_LONGEST_FILE = 2_000_000
_MOST_FILE_COMMITS = 400


class HistoryRefused(OpparityError):
    """A history that git cannot look through to its beginning."""

    message = (
        "{folder}: git cannot read every commit; a partial clone lacks files of older ones, "
        "`git fetch --refetch --no-filter` completes it"
    )


@dataclass(frozen=True, slots=True)
class _Search:
    """Commits whose lines name something, and the native files in which they do."""

    commits: frozenset[str]
    files: tuple[str, ...]


def follow_commits(
    folder: Path,
    operator: str,
    platforms: Sequence[str],
    *,
    revision: str,
    most: int,
    begin: Callable[[int], None],
    say: Callable[[str], None],
) -> OperatorHistory:
    """Return an operator's life up to a revision; the newest `most` points of it.

    Raises:
        OperatorUnknown: no commit's lines name it.
    """
    git = Git(folder)
    tip = git.commit(revision)
    window = commits(git, _MOST_COMMITS, "--first-parent", tip, is_with_merges=True)
    short = operator.rpartition("::")[2]
    say(short)
    found = _search(git, window, {short})
    newest = next((each for each in window if each.identity in found.commits), None)
    if newest is None:
        remedy = "`opparity matrix` lists the operators of a tree"
        raise OperatorUnknown(given=operator, trees=len(window), remedy=remedy)
    with RememberingWorkers() as workers:
        sources = _look(folder, operator, platforms, workers, newest)
    terms = {short, *sources.symbols, *(posixpath.basename(each) for each in sources.sources)}
    found = _search(git, window, {term.rpartition("::")[2] for term in terms})
    guarded = _guard_changes(git, tip, found.files, short, sources.symbols)
    chosen = [each for each in window if each.identity in found.commits | guarded]
    kept = chosen[:most][::-1]
    begin(len(kept))
    sightings = []
    with RememberingWorkers() as workers:
        for commit in kept:
            say(commit.subject)
            sightings.append(_look(folder, operator, platforms, workers, commit))
    history = tell(operator, _changed(sightings), len(window), len(chosen) - len(kept))
    return replace(history, is_shallow=bool(boundary(git)))


def _look(
    folder: Path,
    operator: str,
    platforms: Sequence[str],
    workers: RememberingWorkers,
    commit: Commit,
) -> Sighting:
    return look(
        folder,
        operator,
        platforms,
        workers,
        revision=commit.identity,
        label=commit.identity[:12],
        date=commit.date,
        subject=commit.subject,
    )


def _changed(sightings: list[Sighting]) -> list[Sighting]:
    """Leave out commits after which everything is as it was; the first and last stay."""
    kept: list[Sighting] = []
    for number, each in enumerate(sightings):
        is_last = number == len(sightings) - 1
        if not kept or is_last or (each.states, each.names) != (kept[-1].states, kept[-1].names):
            kept.append(each)
    return kept


def _search(git: Git, window: Iterable[Commit], terms: Iterable[str]) -> _Search:
    """Return the commits that add or remove a line with one of the terms."""
    words = "|".join(sorted(re.escape(term) for term in terms if term))
    answer, is_whole = git.beginning(
        _MOST_BYTES,
        *("diff-tree", "--stdin", "--root", "-r", "-m", "--name-only", "--no-renames"),
        *("--relative", "--no-ext-diff", "--no-textconv", f"-G{words}"),
        asked="".join(f"{each.identity}\n" for each in window).encode("ascii"),
    )
    if not is_whole:
        raise HistoryRefused(folder=git.folder)
    named: set[str] = set()
    files: dict[str, int] = {}
    for line in answer.decode("utf-8", "replace").splitlines():
        if re.fullmatch(r"[0-9a-f]{40,64}( .*)?", line):
            named.add(line.split()[0])
        elif posixpath.splitext(line)[1].lower() in NATIVE_SUFFIXES:
            files[line] = files.get(line, 0) + 1
    ranked = sorted(files, key=lambda path: (-files[path], path))
    return _Search(frozenset(named), tuple(ranked[:_MOST_FILES]))


def _guard_changes(
    git: Git, tip: str, files: tuple[str, ...], operator: str, symbols: Iterable[str]
) -> frozenset[str]:
    """Return the commits after which a file's guards around the operator are others."""
    functions = {symbol.rpartition("::")[2] for symbol in symbols}
    found: set[str] = set()
    for path in files:
        touching = commits(git, _MOST_FILE_COMMITS, "--first-parent", tip, paths=(path,))
        before: object = None
        for commit in reversed(touching):
            guards = _guards(git, commit.identity, path, operator, functions)
            if before is not None and guards != before:
                found.add(commit.identity)
            before = guards
    return frozenset(found)


def _guards(
    git: Git, commit: str, path: str, operator: str, functions: set[str]
) -> frozenset[tuple[str, str]]:
    """Return the guards around an operator's registrations and prototypes in one version."""
    content = git.blob(f"{commit}:./{path}", _LONGEST_FILE)
    if operator.encode() not in content and not any(f.encode() in content for f in functions):
        return frozenset()
    file = read_native_text(path, content.decode("utf-8", "replace"))
    parts: list[Registration | Declaration] = [
        *(each for each in file.registrations if each.operator == operator),
        *(each for each in file.declarations if each.signature.name in functions),
    ]
    return frozenset((type(each).__name__, repr(each.condition)) for each in parts)
