"""Which lines of a tree's scripts name a source, so that it may be in somebody's list."""

from __future__ import annotations

import pytest

from opparity.checker.analysis.mentions import Mentions
from opparity.checker.analysis.project import Project
from opparity.checker.facts.native import Include, NativeFile
from opparity.checker.facts.places import Location
from opparity.checker.tree.contents import Tree


def mentions(files: dict[str, bytes], *included: str) -> Mentions:
    includes = tuple(Include(path, Location("main.cpp", 1)) for path in included)
    native = {"main.cpp": NativeFile("main.cpp", includes=includes)}
    return Mentions(Project("demo", Tree("demo", files), (), native=native))


@pytest.mark.parametrize(
    ("path", "line", "is_named"),
    [
        ("CMakeLists.txt", "add_library(x csrc/scale.cpp)", True),
        ("CMakeLists.txt", "set(S scale.cu other.cpp)", True),
        ("setup.py", "sources = ['csrc/scale.cc']", True),
        ("setup.py", "sources = [f'{name}.cu' for name in ('scale', 'shift')]", True),
        ("setup.py", 'sources = ["kernels/scale"]', True),
        ("sources.json", '{"cpu": ["scale.cpp"]}', True),
        ("deep/BUILD.bazel", 'srcs = ["scale.cpp"],', True),
        ("CMakeLists.txt", "set(A b)\nadd_library(x scale.cpp) # a remark", True),
        ("CMakeLists.txt", "# add_library(x scale.cpp)", False),
        ("CMakeLists.txt", "set(A b)\n   # scale.cpp", False),
        ("CMakeLists.txt", "# scale.cpp\nadd_library(x scale.cpp)", True),
        ("build.jinja", "// scale.cpp", False),
        ("CMakeLists.txt", "add_library(x upscale.cpp scale.cpp.in2)", True),
        ("CMakeLists.txt", "add_library(x upscale.cpp)", False),
        ("CMakeLists.txt", "add_library(x up-scale.cpp)", False),
        ("CMakeLists.txt", "add_library(x scale.h)", False),
        ("CMakeLists.txt", "add_library(x scale)", False),
        ("CMakeLists.txt", "add_library(x scale.cppm)", False),
        ("notes.md", "scale.cpp", False),
        ("other.cpp", "// see scale.cpp", False),
    ],
)
def test_a_line_names_a_source_by_its_name_or_in_quotes(
    path: str, line: str, *, is_named: bool
) -> None:
    found = mentions({"csrc/scale.cpp": b"", path: line.encode()})
    assert found.is_named("csrc/scale.cpp") is is_named
    assert found.is_unlisted("csrc/scale.cpp") is not is_named


def test_a_source_that_another_includes_is_no_stranger() -> None:
    files = {"csrc/scale.cpp": b"", "csrc/scale.cuh": b""}
    assert mentions(files).is_unlisted("csrc/scale.cpp")
    assert not mentions(files, "csrc/scale.cpp").is_unlisted("csrc/scale.cpp")
    assert mentions(files, "csrc/shift.cpp").is_unlisted("csrc/scale.cpp")
    assert not mentions(files).is_unlisted("csrc/scale.cuh")
