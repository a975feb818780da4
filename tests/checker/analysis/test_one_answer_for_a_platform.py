"""What is said of a platform does not hang on which others are asked for."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from checker.trees_on_disk import write_folder
from opparity.checker.analysis.asked_platforms import PlatformNotKnown
from opparity.checker.analysis.matrix import build_matrix
from opparity.checker.analysis.reading import read_project
from opparity.checker.analysis.services import Analysis
from opparity.checker.facts.platforms import Platform
from opparity.checker.results.check import check_project

if TYPE_CHECKING:
    from opparity.checker.analysis.matrix import Cell
    from opparity.checker.rules.findings import Finding, Unknown

ROOT = Path(__file__).parents[2] / "projects"
# Every third: all take half a minute.
PROJECTS = sorted(path.parent for path in ROOT.rglob("expected.json"))[::3]


def answers(
    tree: Path, *platforms: Platform
) -> tuple[set[Finding | Unknown], dict[tuple[str, str], Cell]]:
    analysis = Analysis(read_project(tree, platforms))
    check = check_project(analysis)
    matrix = build_matrix(analysis)
    cells = {
        (row.operator, label): cell
        for row in matrix.rows
        for label, cell in zip(matrix.platforms, row.cells, strict=True)
    }
    return {*check.findings, *check.unknowns}, cells


@pytest.mark.parametrize("tree", PROJECTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_one_platform_alone_gets_the_answer_that_it_gets_beside_others(tree: Path) -> None:
    together, cells = answers(tree)
    asked = {label for _, label in cells} or {each.platform for each in together} - {""}
    for label in asked:
        alone, own_cells = answers(tree, Platform(label))
        assert alone == {each for each in together if each.platform in {"", label}}
        assert own_cells == {key: cell for key, cell in cells.items() if key[1] == label}


@pytest.mark.parametrize(("given", "near"), [("romc", "'rocm'"), ("cude", "'cuda'")])
def test_a_misspelt_platform_is_refused_with_the_near_one(
    tmp_path: Path, given: str, near: str
) -> None:
    write_folder(tmp_path, {"csrc/a.cu": b"void f() {}\n"})
    with pytest.raises(PlatformNotKnown, match=f"did you mean {near}"):
        read_project(tmp_path, (Platform(given),))


def test_a_platform_that_the_build_speaks_of_is_known(tmp_path: Path) -> None:
    script = b'if(DEVICE STREQUAL "sdaa")\n  add_library(_C MODULE a.cpp)\nendif()\n'
    write_folder(tmp_path, {"CMakeLists.txt": script, "a.cpp": b"int f() { return 1; }\n"})
    assert read_project(tmp_path, (Platform("sdaa"),)).asked == (Platform("sdaa"),)
