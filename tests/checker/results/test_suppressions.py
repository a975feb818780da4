from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from opparity.checker.facts.places import Location
from opparity.checker.results.suppressions import Suppression, suppress, suppressions_of
from opparity.checker.rules.findings import Effect, Finding, Severity
from opparity.words.statements import state
from processor_time import least_seconds


def parsed(path: str, text: str) -> list[tuple[int, tuple[str, ...], str]]:
    return [(each.line, each.codes, each.reason) for each in suppressions_of(path, text)]


@pytest.mark.parametrize(
    ("path", "text", "expected"),
    [
        ("a.cpp", "int x;\nf();  // opparity: allow(BLD001) why", (2, ("BLD001",), "why")),
        ("a.cu", "// opparity: allow(BLD001) why\n\n// more\nf();", (4, ("BLD001",), "why")),
        (
            "a.h",
            "/* opparity: allow(BLD001, def002) why */\nf();",
            (2, ("BLD001", "DEF002"), "why"),
        ),
        ("a.h", "/*\n * opparity: allow(BLD001): why\n */\nf();", (4, ("BLD001",), "why")),
        ("a.h", "// opparity: allow(MAC001) why\n#ifdef IS_ROCM", (2, ("MAC001",), "why")),
        ("a.py", "f(1)  # opparity: allow(CAL001) why", (1, ("CAL001",), "why")),
        ("CMakeLists.txt", "# opparity: allow(BLD002) why\nset(A b)", (2, ("BLD002",), "why")),
        ("a.cmake", "set(A b) # opparity: allow(BLD002) why", (1, ("BLD002",), "why")),
        ("build.toml", 'src = ["a"] # opparity: allow(BLD002) why', (1, ("BLD002",), "why")),
        ("a.cpp", "// opparity: allow(BLD001)\nf();", (2, ("BLD001",), "")),
        ("a.cpp", "// opparity: ignore BLD001\nf();", (2, (), "")),
        ("a.cpp", "// opparity: allow() why\nf();", (2, (), "why")),
    ],
)
def test_a_comment_accepts_the_line_it_stands_on_or_above(
    path: str, text: str, expected: tuple[int, tuple[str, ...], str]
) -> None:
    assert parsed(path, text) == [expected]


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("a.cpp", 'f("// opparity: allow(BLD001) why");'),
        ("a.cpp", 'f(R"x(\n// opparity: allow(BLD001) why\n)x");'),
        ("a.cpp", 'f(\'"\'); g("// opparity: allow(BLD001) why");'),
        ("a.py", 'f("# opparity: allow(BLD001) why")'),
        ("a.py", '"""\n# opparity: allow(BLD001) why\n"""'),
        ("CMakeLists.txt", 'message("# opparity: allow(BLD001) why")'),
        ("CMakeLists.txt", "message([=[\n# opparity: allow(BLD001) why\n]=])"),
        ("a.cpp", "// see opparity::allow(BLD001)"),
    ],
)
def test_what_is_no_comment_accepts_nothing(path: str, text: str) -> None:
    assert parsed(path, text) == []


def finding(line: int, rule: str = "BLD001", path: str = "a.cpp") -> Finding:
    return Finding(
        rule, "a-name", Severity.ERROR, Effect.NONE, Location(path, line), state("place.used")
    )


def test_only_the_named_rule_on_that_line_of_that_file_is_accepted() -> None:
    (comment,) = suppressions_of("a.cpp", "// opparity: allow(BLD001) why\nf();")
    others = [finding(1), finding(3), finding(2, "BLD002"), finding(2, path="b.cpp")]
    result = suppress([*others, finding(2)], [comment])
    assert list(result.left) == others
    assert result.used == {(comment.location, "BLD001")}


def test_without_a_reason_nothing_is_accepted() -> None:
    comment = Suppression(Location("a.cpp", 1), 2, ("BLD001",), "")
    result = suppress([finding(2)], [comment])
    assert result.left == (finding(2),)
    assert not result.used


@given(
    path=st.sampled_from(["a.cpp", "a.py", "CMakeLists.txt"]),
    pieces=st.lists(
        st.sampled_from(
            [
                *(
                    '"',
                    "'",
                    "//",
                    "/*",
                    "*/",
                    "\n",
                    "#",
                    "[[",
                    "]]",
                    "\\",
                    'R"x(',
                    ')x"',
                    "(",
                    '"""',
                ),
                *("opparity: allow(BLD001) why", " ", "x", "\r", "\t", "\x00", "é"),
            ]
        ),
        max_size=40,
    ),
)
@settings(deadline=1000)
def test_any_text_gives_places_inside_it(path: str, pieces: list[str]) -> None:
    text = "".join(pieces)
    lines = text.split("\n")
    for each in suppressions_of(path, text):
        assert "opparity:" in lines[each.location.line - 1][each.location.column - 1 :]
        assert 1 <= each.line <= len(lines)


@pytest.mark.parametrize("path", ["a.cpp", "a.py", "CMakeLists.txt"])
@pytest.mark.parametrize("piece", ['"', "/*", "'\\", 'R"x(', "[[", "#[[", "(", "opparity: allow("])
def test_a_megabyte_of_openings_is_read_in_linear_time(path: str, piece: str) -> None:
    text = piece * (1_000_000 // len(piece))
    assert least_seconds(lambda: list(suppressions_of(path, f"opparity:\n{text}")), 5) < 5
