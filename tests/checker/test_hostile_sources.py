from __future__ import annotations

import resource
from typing import TYPE_CHECKING

import pytest

from checker.hostile_sources import ORDINARY, trees
from opparity.checker import bounds
from opparity.checker.facts.platforms import Platform
from opparity.checker.reports import OutputFormat, renderer
from opparity.checker.results.inspection import inspect_tree
from opparity.checker.results.request import Request
from opparity.checker.tree.contents import Tree
from processor_time import ENDLESS, least_seconds

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

GIGABYTE = 1 << 30
TREES = trees()
# Those that no reader may take for understood.
NEVER_DONE = [
    *(f"cmake: {name}" for name in ("a loop without end", "literal arguments in a loop")),
    *(f"cmake: {name}" for name in ("a condition that fills the file", "many targets")),
    *(f"cmake: {name}" for name in ("properties of sources in a loop", "a chain of targets")),
    *(f"cmake: {name}" for name in ("a range of a million million", "numbers that are none")),
    *(f"cmake: {name}" for name in ("a long list in a loop without end", "nested loops")),
    *(f"cmake: {name}" for name in ("replacements that multiply",)),
    *(f"setup: {name}" for name in ("a loop without end", "lists in lists", "a list in itself")),
    *("json: many modules", "json: nested deep", "build.toml: keys in quotes"),
    *("build.toml: keys behind a comment with a quote", "build.toml: a number without end"),
]
# A rule or file that its bounds stop, with the reason.
GIVEN_UP: dict[str, str] = {}


@pytest.fixture(autouse=True)
def two_gigabytes_at_most() -> Iterator[None]:
    """Have an allocation fail that would take the process 2 GiB above what it has now."""
    before = resource.getrlimit(resource.RLIMIT_AS)
    with open("/proc/self/statm", encoding="ascii") as statm:  # noqa: PTH123 -- no file on disk
        pages = int(statm.read().split()[0])
    resource.setrlimit(
        resource.RLIMIT_AS, (pages * resource.getpagesize() + 2 * GIGABYTE, before[1])
    )
    yield
    resource.setrlimit(resource.RLIMIT_AS, before)


@pytest.fixture(autouse=True)
def _any_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave memory to the process, which has other tests' too: it was once taken for a tree's."""
    monkeypatch.setattr(bounds, "_MOST_BYTES", 1 << 60)


@pytest.mark.parametrize("name", TREES)
def test_a_hostile_source_comes_to_a_report(name: str) -> None:
    places = {
        path: text.encode("utf-8", "surrogatepass") for path, text in sorted(TREES[name].items())
    }
    with bounds.watched():
        bounds.allow(ENDLESS + sum(map(len, places.values())))
        # For ROCm a project in the language CUDA would end at its first line.
        report = inspect_tree(Tree("hostile", places), Request(platforms=(Platform("cuda"),)))
        texts = {each: renderer(each)(report) for each in OutputFormat}
    assert report.platforms == ("cuda",)
    assert all(text.isprintable() for text in "".join(texts.values()).split("\n"))
    # Each kind is bounded by what its reader counts; what stands behind that was not needed.
    told = {unknown.statement.key for unknown in report.unknowns}
    assert not told & {"unread.costly", "unread.rule"} or name in GIVEN_UP


@pytest.mark.parametrize("name", NEVER_DONE)
def test_what_is_not_worked_out_to_its_end_is_said_of_its_file(name: str) -> None:
    (path,) = (path for path, text in TREES[name].items() if ORDINARY.get(path) != text)
    places = {path: text.encode() for path, text in sorted(TREES[name].items())}
    report = inspect_tree(Tree("hostile", places), Request(platforms=(Platform("cuda"),)))
    assert path in {each.location.path for each in report.unknowns if each.rule == "INP001"}


def stopped_builds(places: dict[str, str]) -> list[str]:
    tree = Tree("hostile", {path: text.encode() for path, text in places.items()})
    report = inspect_tree(tree, Request(platforms=(Platform("rocm"), Platform("cuda"))))
    return [unknown.location.path for unknown in report.unknowns if unknown.rule == "INP001"]


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("CMakeLists.txt", "cmake: a loop without end"),
        ("setup.py", "setup: a function that calls itself"),
    ],
)
def test_thirty_builds_without_end_share_one_limit(name: str, kind: str) -> None:
    text = TREES[kind][name]
    alone = {f"p/{name}": text}
    thirty = {f"p{number}/{name}": text for number in range(30)}
    assert set(stopped_builds(thirty)) == set(thirty)
    # Each alone would take as long as the first: thirty times as much.
    most = 12 * max(least_seconds(lambda: stopped_builds(alone), 0.1), 0.1)
    assert least_seconds(lambda: stopped_builds(thirty), most) < most


def test_what_a_build_script_would_do_if_it_ran_is_not_done(tmp_path: Path) -> None:
    witness = tmp_path / "ran"
    script = (
        "import os, subprocess, pathlib\n"
        f"pathlib.Path({str(witness)!r}).touch()\n"
        f"open({str(witness)!r}, 'w').close()\n"
        f"os.system('touch {witness}')\n"
        f"subprocess.run(['touch', {str(witness)!r}])\n"
        f"eval(\"open({str(witness)!r}, 'w')\")\n"
        f"exec(\"open({str(witness)!r}, 'w')\")\n"
        f"(lambda: __import__('os').mknod({str(witness)!r}))()\n"
        "from setuptools import setup, Extension\n"
        "setup(ext_modules=[Extension('x', ['a.cpp'])])\n"
    )
    listing = (
        f"execute_process(COMMAND touch {witness})\n"
        f"file(WRITE {witness} x)\nfile(TOUCH {witness})\n"
        f"file(DOWNLOAD http://localhost {witness})\n"
        f"configure_file(a.cpp {witness})\nadd_library(x MODULE a.cpp)\n"
    )
    places = {
        "setup.py": script.encode(),
        "CMakeLists.txt": listing.encode(),
        "a.cpp": b"void f() {}",
        "conftest.py": script.encode(),
        "x/__init__.py": script.encode(),
    }
    report = inspect_tree(Tree("hostile", places), Request())
    assert report.project == "hostile"
    assert not witness.exists()
