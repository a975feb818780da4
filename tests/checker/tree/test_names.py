"""Names of members and links that stay inside of a tree, and those that lead out of it."""

from __future__ import annotations

import pytest

from opparity.checker.tree.names import inside, printable, target_of_link


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("a/b.cpp", "a/b.cpp"),
        ("./a//b/./c", "a/b/c"),
        ("a/", "a"),
        ("..a/b..", "..a/b.."),
        ("/".join("a" * 64), "/".join("a" * 64)),
        ("/".join("a" * 65), None),
        ("a" * 4096, "a" * 4096),
        ("a" * 4097, None),
        ("a\x1b[2J", "a\\x1b[2J"),
        *((name, None) for name in ("", ".", "./", "/a", "..", "a/../b", "../a", "a/..")),
        *((name, None) for name in ("C:/a", "C:", "a\\b", "a\0b")),
        ("a/b:", "a/b:"),
    ],
)
def test_a_members_name_is_a_path_inside_or_none(name: str, path: str | None) -> None:
    assert inside(name) == path


@pytest.mark.parametrize(
    ("path", "target", "found"),
    [
        ("a/b/c", "d", "a/b/d"),
        ("a/b/c", "./d/e", "a/b/d/e"),
        ("a/b/c", "../d", "a/d"),
        ("a/b/c", "../../d", "d"),
        ("a/b/c", "../../../d", None),
        ("a/b/c", "../../../a/b/d", None),
        ("a/b/c", "d/../e", "a/b/e"),
        ("a/b/c", "d//e/", "a/b/d/e"),
        ("c", "d", "d"),
        ("c", "..", None),
        ("a/c", "..", None),
        ("a/c", "/d", None),
        ("a/c", "d" * 4096, None),
        ("a/c", "d" * 4094, "a/" + "d" * 4094),
    ],
)
def test_a_link_names_a_path_inside_or_none(path: str, target: str, found: str | None) -> None:
    assert target_of_link(path, target) == found


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain é 评", "plain é 评"),
        ("a\tb\n", "a\\tb\\n"),
        ("\u202ea", "\\u202ea"),
        ("\ud800", "\\ud800"),
        ("\x7f\x9b", "\\x7f\\x9b"),
    ],
)
def test_what_moves_a_cursor_is_shown_as_its_escape(text: str, shown: str) -> None:
    assert printable(text) == shown
