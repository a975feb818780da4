"""Git revisions: what `BASE..HEAD` names, and the commits between the two."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from opparity.change.model import Commit
from opparity.checker.tree.contents import TreeRefused
from opparity.checker.tree.revisions import Git

_SHORT = 12
_FIELDS = 4


@dataclass(frozen=True)
class Range:
    """Two commits of a repository.

    Attributes:
        base: the full name of the commit before; `head` is the one after.
        base_label: how the user named it, with its short name; `head_label` likewise.
    """

    git: Git
    base: str
    head: str
    base_label: str
    head_label: str


def find_range(folder: Path, text: str) -> Range:
    """Return what `BASE..HEAD` names; `BASE...HEAD` begins where the two parted, as on GitHub.

    Raises:
        TreeRefused: the folder is no repository, a revision is unknown, or the two never parted.
    """
    if not folder.is_dir():
        raise TreeRefused(path=folder, detail="a revision needs a folder inside a git repository")
    dots = "..." if "..." in text else ".."
    first, found, second = text.partition(dots)
    if not found:
        detail = f"{text!r} is not BASE..HEAD; or compare trees with --before and --after"
        raise TreeRefused(path=folder, detail=detail)
    git = Git(folder)
    names = first or "HEAD", second or "HEAD"
    try:
        base, head = (git.commit(name) for name in names)
        if dots == "...":
            base = _fork(git, names, base, head)
    except TreeRefused as error:
        git("rev-parse", "--git-dir")
        if not boundary(git):
            raise
        remedy = "the clone is shallow, `git fetch --unshallow` fetches all of it"
        detail = f"{error.values['detail']}; {remedy}"
        raise TreeRefused(path=folder, detail=detail) from error
    return Range(git, base, head, _label(names[0], base), _label(names[1], head))


def _fork(git: Git, names: tuple[str, str], base: str, head: str) -> str:
    try:
        return git("merge-base", base, head).decode("ascii").strip()
    except TreeRefused as error:
        detail = f"{names[0]} and {names[1]} have no commit in common"
        raise TreeRefused(path=git.folder, detail=detail) from error


def _label(name: str, commit: str) -> str:
    return commit[:_SHORT] if commit.startswith(name) else f"{name} ({commit[:_SHORT]})"


def commits(
    git: Git,
    most: int,
    *selection: str,
    paths: tuple[str, ...] = (".",),
    is_with_merges: bool = False,
) -> list[Commit]:
    """Return commits that touched paths, newest first."""
    answer = git(
        *("rev-list", f"--max-count={most}", *([] if is_with_merges else ["--no-merges"])),
        "--format=%H%x00%cs%x00%s%x00%b%x00",
        *selection,
        *("--", *paths),
    )
    fields = answer.decode("utf-8", "replace").split("\0")
    found = []
    for start in range(0, len(fields) - _FIELDS, _FIELDS):
        # git writes a line "commit NAME" before each.
        identity = fields[start].split()[-1]
        date, subject, body = fields[start + 1 : start + _FIELDS]
        found.append(Commit(identity, date, subject, body.strip()))
    return found


def boundary(git: Git) -> frozenset[str]:
    """Return the commits where a shallow clone ends: git shows each as if it added every file."""
    if git("rev-parse", "--is-shallow-repository").strip() != b"true":
        return frozenset()
    name = git("rev-parse", "--path-format=absolute", "--git-path", "shallow")
    path = Path(name.decode("utf-8", "surrogateescape").rstrip("\n"))
    return frozenset(path.read_text("ascii").split())
