"""What the reader of CMake computes is what CMake computes: each script sets RESULT.

scripts.txt and conditions.txt are what both are given.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from cmake import CMAKE_BIN_DIR

from checker.trees_on_disk import write_folder
from opparity.checker.facts.platforms import Platform
from opparity.checker.languages.cmake.evaluation import CMakeReader
from opparity.checker.tree.opening import open_tree

FILES = {
    "a.cpp": b"",
    "b.cpp": b"",
    "ab.cu": b"",
    "sub/e.cpp": b"",
    "sub/inner/f.cpp": b"",
    "sub/inner/g.cu": b"",
    "names.txt": b"one\ntwo;three\n\n# four\n",
    "part.cmake": b"set(RESULT included ${GIVEN})\nreturn()\nset(RESULT never)\n",
}
HERE = Path(__file__).parent
# Blank lines stand between scripts.
SCRIPTS = (HERE / "scripts.txt").read_text().strip().split("\n\n")
SETTINGS = 'set(A abc)\nset(L a b c)\nset(E "")\nset(F OFF)\nset(T 5)\nset(NAME A)\n'
SCRIPTS += [
    f"{SETTINGS}if({each})\nset(RESULT yes)\nelse()\nset(RESULT no)\nendif()"
    for each in (HERE / "conditions.txt").read_text().splitlines()
]
SHOW = 'string(REPLACE ";" "|" RESULT "[${RESULT}]")\n'


@pytest.fixture(scope="module")
def computed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Return what CMake computes, in one run of it."""
    root = write_folder(tmp_path_factory.mktemp("cmake"), FILES)
    program = ["cmake_minimum_required(VERSION 3.26)"]
    for index, script in enumerate(SCRIPTS):
        (root / f"{index}.script").write_text(script)
        program.append(f"function(run_{index})")
        program.append(f"include(${{R}}/{index}.script)\n{SHOW}")
        program.append('file(APPEND ${R}/results "${RESULT}\\n")\nendfunction()')
        program.append(f"run_{index}()")
    (root / "all.script").write_text("\n".join(program))
    command = [f"{CMAKE_BIN_DIR}/cmake", f"-DR={root}", "-P", "all.script"]
    subprocess.run(command, cwd=root, check=True, capture_output=True)
    return dict(zip(SCRIPTS, (root / "results").read_text().splitlines(), strict=True))


@pytest.mark.parametrize("script", SCRIPTS)
def test_a_script_makes_what_cmake_makes(
    script: str, computed: dict[str, str], tmp_path: Path
) -> None:
    write_folder(tmp_path, FILES)
    head = "cmake_minimum_required(VERSION 3.26)\nproject(demo LANGUAGES CXX)\n"
    wrapped = f"{script}\n{SHOW}add_library(${{RESULT}} MODULE a.cpp)\n"
    (tmp_path / "CMakeLists.txt").write_text(head + wrapped)
    (build,) = CMakeReader(open_tree(tmp_path)).read((Platform("cuda"),))
    assert [target.name for target in build.targets] == [computed[script]]
