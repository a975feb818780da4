"""Options that are tried one at a time, and what is said where there are too many."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from opparity.checker.analysis.reading import read_project
from opparity.checker.facts.platforms import parse_platform
from opparity.words.catalogue import english

if TYPE_CHECKING:
    from pathlib import Path


def project_with_options(folder: Path, count: int) -> Path:
    options = "\n".join(f'option(WITH_{n} "" OFF)' for n in range(count))
    tests = "\n".join(f"if(WITH_{n})\n  list(APPEND S f{n}.cpp)\nendif()" for n in range(count))
    folder.joinpath("CMakeLists.txt").write_text(
        f"project(little LANGUAGES CXX)\nset(S main.cpp)\n{options}\n{tests}\n"
        "add_library(_C MODULE ${S})\n"
    )
    for name in ("main", *(f"f{n}" for n in range(count))):
        folder.joinpath(f"{name}.cpp").write_text("int f();\n")
    return folder


@pytest.mark.parametrize(("count", "tried"), [(5, 5), (32, 32), (33, 32)])
def test_a_build_says_where_not_every_option_was_tried(
    count: int, tried: int, tmp_path: Path
) -> None:
    project = read_project(project_with_options(tmp_path, count), [parse_platform("cpu")])
    assert len(project.variants) == tried
    said = [english(each.reason) for each in project.problems]
    assert said == (
        ["there are 33 ways to set its options on cpu; the first 32 were tried"] * (count > tried)
    )
