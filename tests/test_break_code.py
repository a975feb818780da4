"""What the tool that breaks the code counts, and what it leaves open."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from types import ModuleType

TOOLS = Path(__file__).parents[1] / "tools"
SOURCE = """def half(number):
    while number > 3:
        number -= 2
    return number
"""
TESTS = """import pytest
from opparity.part import half

def test_of_small_numbers():
    assert half(1) == 1

@pytest.mark.parametrize("number", [7, 8], ids="of {} - odd".format)
def test_ends(number):
    assert half(number) in (2, 3)

def test_never_passes():
    assert half is None
"""
PASSING = [f"test_part.py::test_ends[of {number} - odd]" for number in (8, 7)]
GONE = "test_part.py::test_gone"
NEVER = "test_part.py::test_never_passes"
SMALL = "test_part.py::test_of_small_numbers"


@pytest.fixture
def tool(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> ModuleType:
    monkeypatch.setattr(sys, "path", [str(TOOLS), *sys.path])
    import break_code  # noqa: PLC0415 -- the path is set above

    monkeypatch.setattr(break_code, "ROOT", tmp_path)
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")  # which is most of the start
    package = tmp_path / "opparity"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "part.py").write_text(SOURCE)
    (tmp_path / "test_part.py").write_text(TESTS)
    return break_code


@pytest.mark.parametrize(
    ("old", "new", "tests", "outcome", "reason"),
    [
        ("number > 3", "number >= 3", [SMALL], "NOT NOTICED", "by 1 tests"),
        ("number > 3", "number >= 3", PASSING, "noticed", f"by {PASSING[1]}"),
        ("def half", "def whole", PASSING, "noticed", "since the tests do not start"),
        (
            "number > 3",
            "number >= 3",
            [GONE],
            "not counted",
            "the tests do not start without it either",
        ),
    ],
    ids=["missed", "noticed", "import", "gone"],
)
def test_a_break_counts_where_tests_answer(
    tool: ModuleType,
    tmp_path: Path,
    old: str,
    new: str,
    tests: list[str],
    outcome: str,
    reason: str,
) -> None:
    from code_breaks import Break  # noqa: PLC0415 -- beside the tool

    start = SOURCE.index(old)
    broken = Break("part.py", 1, 1, start, start + len(old), new)
    result = tool.tried(tmp_path, broken, tests)
    assert (result.outcome, result.reason) == (outcome, reason)
    assert (tmp_path / "opparity" / "part.py").read_text() == SOURCE


def test_what_a_test_notices_that_fails_without_a_break_too_is_not_counted(
    tool: ModuleType, tmp_path: Path
) -> None:
    noticed = [tool.Result(tool.Outcome.NOTICED, "", test) for test in (NEVER, SMALL)]
    assert tool.failing_anyway(tmp_path, noticed) == {NEVER}
    assert tool.failing_anyway(tmp_path, noticed[1:]) == set()


def test_a_break_whose_tests_do_not_end_is_not_counted(
    tool: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from code_breaks import Break  # noqa: PLC0415 -- beside the tool

    monkeypatch.setattr(tool, "_LONGEST_RUN", 0.01)
    result = tool.tried(tmp_path, Break("part.py", 1, 1, 0, 0, ""), [SMALL])
    assert result.outcome == "not counted"
    assert result.reason == "the tests had not ended after 0.01 seconds"


def test_what_may_be_broken_is_found_with_its_opposite(
    tool: ModuleType,  # noqa: ARG001 -- it makes the tools importable
    tmp_path: Path,
) -> None:
    from code_breaks import breaks_in  # noqa: PLC0415 -- as above

    source = '''"""Docstring."""
LIMIT = 3
if TYPE_CHECKING:
    import os
@cache
def answer(one: int = 1, *, two: bool) -> bool:
    if one and 2 < LIMIT <= 3:
        return [each for each in () if each is not None]
    return None
'''
    place = tmp_path / "source.py"
    place.write_text(source)
    found = {
        (source[each.start : each.end], each.text, each.function)
        for each in breaks_in(place, "source.py")
    }
    chain, listed = "2 < LIMIT <= 3", "[each for each in () if each is not None]"
    assert found == {
        (f"one and {chain}", f"(not (one and {chain}))", 5),
        (f"one and {chain}", f"(one or {chain})", 5),
        (chain, "(2 <= LIMIT <= 3)", 5),
        ("2", "3", 5),
        ("3", "4", 5),
        (f"return {listed}", "return None", 5),
        ("each is not None", "(not (each is not None))", 5),
        ("each is not None", "(each is None)", 5),
    }
