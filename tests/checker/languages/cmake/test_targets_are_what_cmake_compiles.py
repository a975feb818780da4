"""Which sources a target compiles, and with which macros, is what CMake writes down.

targets.txt has the build descriptions, a blank line between two; each is a folder of one build.
"""

from __future__ import annotations

import json
import re
import shlex
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from cmake import CMAKE_BIN_DIR

from checker.trees_on_disk import write_folder
from opparity.checker.facts.conditions import Truth
from opparity.checker.facts.platforms import Platform
from opparity.checker.languages.cmake.evaluation import CMakeReader
from opparity.checker.tree.opening import open_tree

if TYPE_CHECKING:
    from opparity.checker.facts.builds import Target

CASES = Path(__file__).with_name("targets.txt").read_text().strip().split("\n\n")
HEAD = "cmake_minimum_required(VERSION 3.26)\nproject(demo LANGUAGES CXX)\n"
FILES = {
    "a.cpp": b"",
    "b.cpp": b"",
    "sub/e.cpp": b"",
    "sub/CMakeLists.txt": b"add_definitions(-DINNER)\nadd_library(inner MODULE e.cpp)\n",
}
NAMES = re.compile(rb"\b(?:lib|base|deep|parts|other|inner)\b")
# Target and source -> macros, with their values.
Compiled = dict[tuple[str, str], dict[str, str]]


def macros_in(words: list[str]) -> dict[str, str]:
    """Return what a compiler's command defines in the end."""
    found: dict[str, str] = {}
    for word in words:
        name, equals, value = word[2:].partition("=")
        if word.startswith("-D"):
            found[name] = value if equals else "1"
        elif word.startswith("-U"):
            found.pop(name, None)
    return {name: value for name, value in found.items() if not name.endswith("_EXPORTS")}


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a tree with a folder for each case, whose targets have names of their own."""
    root = tmp_path_factory.mktemp("tree")
    entered = []
    for index, case in enumerate(CASES):
        entered.append(f"add_subdirectory(p{index})\n")
        for path, text in {**FILES, "CMakeLists.txt": case.encode()}.items():
            own = NAMES.sub(rf"p{index}_\g<0>".encode(), text)
            write_folder(root, {f"p{index}/{path}": own})
    write_folder(root, {"CMakeLists.txt": (HEAD + "".join(entered)).encode()})
    return root


@pytest.fixture(scope="module")
def compiled(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Compiled:
    """Return what CMake would have compiled."""
    build = tmp_path_factory.mktemp("build")
    # No compiler is tried: nothing is compiled.
    options = ("CXX_COMPILER_WORKS=1", "CXX_ABI_COMPILED=1", "EXPORT_COMPILE_COMMANDS=1")
    command = [f"{CMAKE_BIN_DIR}/cmake", "-G", "Unix Makefiles", "-S", str(root), "-B", str(build)]
    settings = [f"-DCMAKE_{option}" for option in options]
    subprocess.run([*command, *settings], check=True, capture_output=True)
    found: Compiled = {}
    for entry in json.loads((build / "compile_commands.json").read_text()):
        words = shlex.split(entry["command"])
        output = words[words.index("-o") + 1]
        target = output.partition(".dir/")[0].rpartition("/")[2]
        source = Path(entry["file"]).relative_to(root).as_posix()
        found[target, source] = macros_in(words)
    return found


@pytest.fixture(scope="module")
def read(root: Path) -> Compiled:
    """Return what the checker reads of the same tree."""
    (build,) = CMakeReader(open_tree(root)).read((Platform("cpu"),))
    assert not build.problems
    return {
        (target.name, source.path): macros_of(target, source.path)
        for target in build.targets
        for source in target.sources
    }


def macros_of(target: Target, source: str) -> dict[str, str]:
    assert all(macro.is_set is Truth.TRUE for macro in target.macros)
    given = [
        f"-U{macro.name}" if macro.removed else f"-D{macro.name}={macro.value}"
        for macro in target.macros
        if (not macro.languages or "CXX" in macro.languages)
        and (not macro.sources or source in macro.sources)
    ]
    return macros_in(given)


@pytest.mark.parametrize("index", range(len(CASES)), ids=str)
def test_sources_and_macros_are_those_that_cmake_gives(
    index: int, compiled: Compiled, read: Compiled
) -> None:
    own = {key: macros for key, macros in read.items() if key[0].startswith(f"p{index}_")}
    wanted = {key: macros for key, macros in compiled.items() if key[0].startswith(f"p{index}_")}
    assert own == wanted
    assert wanted
