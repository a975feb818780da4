"""A source that a list names and the tree lacks: an error, unless something may make it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from checker.trees_on_disk import write_folder
from opparity.checker.analysis.reading import read_project
from opparity.checker.analysis.services import Analysis
from opparity.checker.rules.findings import Finding
from opparity.checker.rules.source_not_in_the_tree import SourceNotInTheTree
from opparity.checker.tree.opening import open_tree

if TYPE_CHECKING:
    from pathlib import Path

SETUP = """from setuptools import setup
from torch.utils.cpp_extension import CUDAExtension
setup(name="demo", ext_modules=[
    CUDAExtension("demo._C", ["csrc/a.cpp",
        "csrc/gone.cu"])])
"""
CMAKE = """cmake_minimum_required(VERSION 3.26)
project(demo LANGUAGES CXX CUDA)
MORE
add_library(_C MODULE csrc/a.cpp
  csrc/gone.cu)
"""
LOADER = """from torch.utils.cpp_extension import load
load("_C", ["csrc/a.cpp",
  "csrc/gone.cu"])
"""
WRITER = "def write(n):\n    open(f'NAME', 'w').write('')\n"
ERROR, OPEN, NOTHING = "error", "unknown", ""


def cmake(more: str) -> dict[str, str]:
    return {"CMakeLists.txt": CMAKE.replace("MORE", more)}


# What the tree has beside csrc/a.cpp, and what is said of csrc/gone.cu.
CASES: list[tuple[dict[str, str], str]] = [
    ({"setup.py": SETUP}, ERROR),
    ({"setup.py": SETUP, "csrc/gone.cu": ""}, NOTHING),
    ({"setup.py": SETUP, "csrc/other/gone.cu": ""}, ERROR),
    ({"setup.py": SETUP, "csrc/gone.cpp": ""}, ERROR),
    ({"setup.py": SETUP, "csrc/gone.cuh": ""}, ERROR),
    ({"setup.py": SETUP, "csrc/gone_more.cu.in": ""}, ERROR),
    ({"setup.py": SETUP, "csrc/gone.cu.in": ""}, NOTHING),
    ({"setup.py": SETUP, "csrc/gone.pyx": ""}, NOTHING),
    ({"setup.py": SETUP, "csrc/gone.jinja": ""}, NOTHING),
    ({"setup.py": SETUP, ".gitignore": "csrc/gone.cu\n"}, OPEN),
    ({"setup.py": SETUP, ".gitignore": "*.cu\n"}, OPEN),
    ({"setup.py": SETUP, ".gitignore": "*.cu\n!gone.cu\n"}, ERROR),
    ({"setup.py": SETUP, ".gitignore": "*.o\nbuild/\n"}, ERROR),
    ({"setup.py": SETUP, "csrc/.gitignore": "/gone*\n"}, OPEN),
    ({"setup.py": SETUP, "other/.gitignore": "gone.cu\n"}, ERROR),
    ({"setup.py": SETUP, "write.py": "open('csrc/gone.cu', 'w')\n"}, OPEN),
    ({"setup.py": SETUP, "write.py": "# open('csrc/gone.cu', 'w')\n"}, ERROR),
    ({"setup.py": SETUP, "MANIFEST.in": "include csrc/gone.cu\n"}, ERROR),
    ({"setup.py": SETUP, "write.py": WRITER.replace("NAME", "csrc/go{n}.cu")}, OPEN),
    # Which files a step writes, and where, can be said in too many ways.
    ({"setup.py": SETUP, "write.py": WRITER.replace("NAME", "csrc/{n}.cpp")}, OPEN),
    ({"setup.py": SETUP, "gen.py": "Path('csrc/' + n + '.cu').write_text('')\n"}, OPEN),
    ({"setup.py": SETUP, "gen.py": "shutil.copy(p.with_suffix('.cu'), 'csrc')\n"}, OPEN),
    ({"setup.py": SETUP, "gen.py": "Path('log').write_text('')\n"}, ERROR),
    ({"setup.py": SETUP, "tests/gen.py": WRITER.replace("NAME", "csrc/{n}.cu")}, ERROR),
    ({"setup.py": "# sh gen.sh\n" + SETUP, "gen.sh": "cat > csrc/gone.cu\n"}, OPEN),
    ({"setup.py": SETUP, "unnamed.sh": "echo hello\n"}, ERROR),
    # A file of the same name in another language makes none.
    ({"setup.py": SETUP, "csrc/gone.py": ""}, ERROR),
    ({"setup.py": SETUP, "csrc/gone.md": ""}, ERROR),
    ({"setup.py": SETUP, "csrc/gone.cu.orig": ""}, ERROR),
    ({"setup.py": SETUP, "docs/notes.txt": "see csrc/gone.cu\n"}, ERROR),
    ({"setup.py": SETUP, "more.json": '["csrc/forgone.cu"]'}, ERROR),
    ({"setup.py": SETUP, "more.json": '["csrc/gone.cu"]'}, OPEN),
    ({"setup.py": SETUP.replace("gone.cu", "HIPKernels.hip"), "csrc/CUDAKernels.cu": ""}, OPEN),
    ({"setup.py": SETUP.replace("csrc/gone", "made/gone")}, OPEN),
    # A source distribution has all that it is built from.
    ({"setup.py": SETUP.replace("csrc/gone", "made/gone"), "PKG-INFO": ""}, ERROR),
    ({"setup.py": SETUP.replace("csrc/gone", "made/gone"), "demo/PKG-INFO": ""}, OPEN),
    ({"setup.py": SETUP.replace("gone.cu", "a_hip.cpp")}, NOTHING),
    ({"setup.py": SETUP.replace("gone.cu", "b.hip"), "csrc/b.cu": ""}, NOTHING),
    ({"setup.py": SETUP.replace("csrc/gone", "../gone")}, NOTHING),
    ({"setup.py": SETUP.replace("gone.cu", "gone.o")}, NOTHING),
    ({"setup.py": SETUP.replace("setup(", "import sys\nif sys.argv[1] == 'x': setup(")}, OPEN),
    ({"build.py": LOADER, "csrc/b.cu": ""}, OPEN),
    (
        {"setup.py": SETUP.replace("csrc/gone", "lib/deep/gone"), "lib/README.md": ""}
        | {".gitmodules": '[submodule "lib"]\n\tpath = lib\n\turl = u\n'},
        OPEN,
    ),
    (cmake(""), ERROR),
    (cmake("add_custom_command(OUTPUT ${CMAKE_CURRENT_SOURCE_DIR}/csrc/gone.cu)"), NOTHING),
    (cmake("set(X csrc/gone.cu)\nadd_custom_command(OUTPUT ${X} COMMAND make_it)"), NOTHING),
    (cmake("configure_file(template csrc/gone.cu)"), NOTHING),
    (cmake("file(WRITE ${CMAKE_SOURCE_DIR}/csrc/gone.cu text)"), NOTHING),
    (cmake("somebodys_translation(csrc/gone.cu)"), OPEN),
    (cmake("add_custom_command(OUTPUT k.cubin DEPENDS csrc/gone.cu)"), OPEN),
    (cmake("file(READ csrc/gone.cu X)"), OPEN),
    (cmake("execute_process(COMMAND python gen.py)"), OPEN),
    (cmake("file(COPY shared/ DESTINATION csrc)"), OPEN),
    (cmake("set_property(SOURCE ${D}/csrc/gone.cu PROPERTY GENERATED TRUE)"), OPEN),
    (cmake("set_property(SOURCE csrc/gone.cu PROPERTY GENERATED TRUE)"), NOTHING),
    (cmake("set_source_files_properties(csrc/gone.cu PROPERTIES GENERATED ON)"), NOTHING),
    (cmake("set_source_files_properties(csrc/gone.cu PROPERTIES LANGUAGE CXX)"), OPEN),
    (cmake("file(WRITE ${CMAKE_BINARY_DIR}/csrc/gone.cu text)"), OPEN),
]


@pytest.mark.parametrize(("files", "wanted"), CASES)
def test_what_is_said_of_a_source_that_is_not_there(
    tmp_path: Path, files: dict[str, str], wanted: str
) -> None:
    everything = {"csrc/a.cpp": "", **files}
    write_folder(tmp_path, {path: text.encode() for path, text in everything.items()})
    analysis = Analysis(read_project(open_tree(tmp_path)))
    said = {
        (ERROR if isinstance(each, Finding) else OPEN, each.location.path)
        for each in SourceNotInTheTree().check(analysis)
    }
    assert said == ({(wanted, next(iter(files)))} if wanted else set())
