"""A block behind a macro is opened by the macro that the file can see."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from checker.trees_on_disk import write_folder
from opparity.checker.analysis.reading import read_project
from opparity.checker.facts.platforms import Platform
from opparity.checker.tree.opening import open_tree

if TYPE_CHECKING:
    from pathlib import Path

SETUP = (
    "from setuptools import setup\n"
    "from torch.utils.cpp_extension import CppExtension\n"
    'setup(name="demo", ext_modules=[CppExtension("demo._C", ["csrc/a.cpp"])])\n'
)


def macro(library: str) -> str:
    return f"#pragma once\n#define DEMO_OPERATORS(m) TORCH_LIBRARY({library}, m)\n"


@pytest.mark.parametrize(
    ("include", "libraries"),
    [("near.h", {"near"}), ("far.h", {"far"}), ("other.h", {"near", "far"})],
)
def test_of_two_files_macros_the_included_one_opens_it(
    tmp_path: Path, include: str, libraries: set[str]
) -> None:
    source = f'#include "{include}"\nDEMO_OPERATORS(m) {{\n  m.def("turn(Tensor x) -> ()");\n}}\n'
    files = {
        "setup.py": SETUP,
        "csrc/a.cpp": source,
        "csrc/near.h": macro("near"),
        "csrc/far.h": macro("far"),
        "csrc/other.h": "#pragma once\n",
    }
    write_folder(tmp_path, {path: text.encode() for path, text in files.items()})
    project = read_project(open_tree(tmp_path), [Platform("cpu")])
    registered = {each.library for file in project.native.values() for each in file.registrations}
    assert registered == libraries
