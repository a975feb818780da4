"""The lines that commits added and removed, read from one stream of git's, bounded."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from opparity.checker.tree.revisions import Git

# A year of vLLM's bindings and build lists is about 6 MB of changed lines.
MOST_BYTES = 64 << 20
# A guard stands so near to what it guards.
_CONTEXT = 2
_NAME = re.compile(rb"^[0-9a-f]{40,64}$")
_HUNK = re.compile(rb"^@@ -\d+(?:,(\d+))? \+\d+(?:,(\d+))? @@")


@dataclass(slots=True)
class Patch:
    """What one commit changed: places, each with "+", "-" or " " and the line.

    Attributes:
        paths: the file of each place.
    """

    commit: str
    places: list[list[tuple[str, str]]] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)


def read_patches(
    git: Git, commits: Iterable[str], paths: Iterable[str]
) -> tuple[list[Patch], bool]:
    """Return the patches of commits to some paths, and whether those are all.

    They are cut at a limit, and where git has not every object: in a partial clone.
    """
    asked = "".join(f"{commit}\n" for commit in commits).encode("ascii")
    answer, is_whole = git.beginning(
        MOST_BYTES,
        *("diff-tree", "--stdin", "--root", "-r", "-p", f"--unified={_CONTEXT}", "--no-renames"),
        *("--no-ext-diff", "--no-textconv", "--no-color", "--src-prefix=a/", "--dst-prefix=b/"),
        *("--", *paths),
        asked=asked,
    )
    return [*_patches(answer)], is_whole


def _patches(answer: bytes) -> Iterator[Patch]:
    patch: Patch | None = None
    path = ""
    left = 0
    for line in answer.split(b"\n"):
        if left > 0 and line[:1] in {b"+", b"-", b" "}:
            # Both sides are counted: a line of context is one of each.
            left -= 2 if line[:1] == b" " else 1
            assert patch is not None
            text = line[1:].decode("utf-8", "replace")
            patch.places[-1].append((line[:1].decode("ascii"), text))
        elif _NAME.match(line):
            if patch is not None:
                yield patch
            patch = Patch(line.decode("ascii"))
        elif line.startswith(b"diff --git "):
            path = ""
        elif line.startswith((b"--- a/", b"+++ b/")):
            # Of a file that is gone the second line names no path.
            path = line[6:].decode("utf-8", "replace").rstrip("\t")
        elif (hunk := _HUNK.match(line)) and patch is not None:
            left = sum(1 if count is None else int(count) for count in hunk.groups())
            patch.places.append([])
            patch.paths.append(path)
    if patch is not None:
        yield patch
