"""What is read of a commit's patch is what the commit changed, with two lines around it."""

from __future__ import annotations

import pytest

from checker.trees_on_disk import commit_all
from opparity.change.git.patches import Patch, read_patches
from opparity.checker.tree.revisions import Git

LINES = "abcdefghijklmn"
# Lines before, lines after, and each place: its lines as git marks them.
CASES: list[tuple[list[str] | None, list[str] | None, list[str]]] = [
    ([*LINES], [*"abcdeFghijklmn"], [" d| e|-f|+F| g| h"]),
    ([*LINES], ["new", *LINES], ["+new| a| b"]),
    ([*LINES], [*LINES, "new"], [" m| n|+new"]),
    ([*LINES], [*LINES[1:]], ["-a| b| c"]),
    ([*LINES], [*LINES[:-1]], [" l| m|-n"]),
    ([*LINES], [*"aBcdefghijklMn"], [" a|-b|+B| c| d", " k| l|-m|+M| n"]),
    ([*LINES], [*"abcDefgHijklmn"], [" b| c|-d|+D| e| f| g|-h|+H| i| j"]),
    ([*LINES], [*"abcDefghIjklmn"], [" b| c|-d|+D| e| f| g| h|-i|+I| j| k"]),
    ([*LINES], [*"abcDefghiJklmn"], [" b| c|-d|+D| e| f", " h| i|-j|+J| k| l"]),
    ([*LINES], ["a", "b", "x", "y", "z", *LINES[2:]], [" a| b|+x|+y|+z| c| d"]),
    ([*LINES], [*"abghijklmn"], [" a| b|-c|-d|-e|-f| g| h"]),
    (["one"], ["two"], ["-one|+two"]),
    (None, ["one", "two"], ["+one|+two"]),
    (["one", "two"], None, ["-one|-two"]),
    # Lines that look like a patch's own.
    (
        ["a", "-- a/other.cpp", "b"],
        ["a", "++ b/other.cpp", "b"],
        [" a|--- a/other.cpp|+++ b/other.cpp| b"],
    ),
    (["@@ -1 +1 @@", "x"], ["@@ -1 +1 @@", "y"], [" @@ -1 +1 @@|-x|+y"]),
    (["diff --git a/x b/x", "x"], ["diff --git a/x b/x", "y"], [" diff --git a/x b/x|-x|+y"]),
    (["f" * 40, "x"], ["e" * 40, "x"], ["-" + "f" * 40 + "|+" + "e" * 40 + "| x"]),
    (["", "x", ""], ["", "y", ""], [" |-x|+y| "]),
]


@pytest.fixture(scope="module")
def patch(tmp_path_factory: pytest.TempPathFactory) -> Patch:
    """Return one commit's patch, in which each case is a file of its own."""
    root = tmp_path_factory.mktemp("repository")
    for side in (0, 1):
        for number, case in enumerate(CASES):
            path, lines = root / f"{number}.cpp", case[side]
            path.unlink(missing_ok=True)
            if lines is not None:
                path.write_text("".join(f"{line}\n" for line in lines))
        commit = commit_all(root)
    names = [f"{number}.cpp" for number in range(len(CASES))]
    ((read,), is_whole) = read_patches(Git(root), [commit], names)
    assert (read.commit, is_whole) == (commit, True)
    return read


@pytest.mark.parametrize("number", range(len(CASES)))
def test_a_patch_has_the_lines_that_were_changed_and_two_around_them(
    patch: Patch, number: int
) -> None:
    places = [
        "|".join(f"{mark}{line}" for mark, line in place)
        for path, place in zip(patch.paths, patch.places, strict=True)
        if path == f"{number}.cpp"
    ]
    assert places == CASES[number][2]
