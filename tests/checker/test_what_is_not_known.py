"""What is not known is said once, and is neither yes nor no in the matrix."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from opparity.checker.check import check_project
from opparity.checker.conditions import Truth
from opparity.checker.matrix import build_matrix
from opparity.checker.platforms import parse_platform
from opparity.checker.project import read_project
from opparity.checker.types import same_type

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from opparity.checker.project import Project

SETUP = (
    "import sys\nfrom setuptools import setup\nfrom torch.utils.cpp_extension import CppExtension\n"
)
BINDINGS = (
    "void first(); void second(); void third();\n"
    "void again() { third(); }\n"
    "PYBIND11_MODULE(TORCH_EXTENSION_NAME, m) {\n"
    '  m.def("first", &first);\n  m.def("second", &second);\n  m.def("again", &again);\n}\n'
)


def project_of(root: Path, files: Mapping[str, str], *platforms: str) -> Project:
    for path, text in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    return read_project(root, [parse_platform(name) for name in platforms])


def test_symbols_of_another_library_are_one_unknown_for_each_rule(tmp_path: Path) -> None:
    setup = SETUP + (
        "setup(ext_modules=[CppExtension('demo_C', ['bindings.cpp']),"
        " CppExtension('libdemo', ['library.cpp'])])\n"
    )
    library = "void first() {}\nvoid second() {}\nvoid third() {}\n"
    files = {"setup.py": setup, "bindings.cpp": BINDINGS, "library.cpp": library}
    check = check_project(project_of(tmp_path, files, "cuda"))
    assert not check.findings
    called, bound = sorted(check.unknowns, key=lambda unknown: unknown.symbol, reverse=True)
    assert (called.rule, called.symbol) == ("BLD002", "third")
    assert (bound.rule, bound.symbol) == ("BLD001", "")
    assert "takes first, second on cuda from another target, libdemo" in bound.message
    assert [each.location.line for each in bound.related] == [4, 5]


def test_an_extension_that_is_made_only_when_asked_for_is_unknown_in_the_matrix(
    tmp_path: Path,
) -> None:
    setup = SETUP + (
        "modules = []\nif '--bindings' in sys.argv:\n"
        "    modules.append(CppExtension('demo_C', ['bindings.cpp', 'library.cpp']))\n"
        "setup(ext_modules=modules)\n"
    )
    library = "void first() {}\nvoid second() {}\nvoid third() {}\n"
    files = {"setup.py": setup, "bindings.cpp": BINDINGS, "library.cpp": library}
    matrix = build_matrix(project_of(tmp_path, files, "cuda"))
    assert [row.operator for row in matrix.rows] == [
        "demo_C::again",
        "demo_C::first",
        "demo_C::second",
    ]
    (cell,) = matrix.rows[1].cells
    assert (cell.defined.truth, cell.built.truth) == (Truth.UNKNOWN, Truth.UNKNOWN)
    assert cell.declared.truth is Truth.TRUE


@pytest.mark.parametrize(
    ("schema", "is_warning"), [("quant() -> ()", False), ("quant(Tensor input) -> Tensor", True)]
)
def test_a_placeholder_is_no_schema_to_compare_calls_with(
    tmp_path: Path, schema: str, is_warning: bool
) -> None:
    cmake = (
        "cmake_minimum_required(VERSION 3.26)\nproject(demo LANGUAGES CXX)\n"
        'if(TARGET_DEVICE STREQUAL "cpu")\n  add_library(_C MODULE cpu.cpp)\n'
        "else()\n  add_library(_C MODULE gpu.cpp)\nendif()\n"
        "target_link_libraries(_C PRIVATE torch)\n"
    )
    gpu = 'TORCH_LIBRARY(_C, m) { m.def("quant(Tensor input, Tensor scale) -> Tensor"); }\n'
    files = {
        "CMakeLists.txt": cmake,
        "gpu.cpp": gpu,
        "cpu.cpp": f'TORCH_LIBRARY(_C, m) {{ m.def("{schema}"); }}\n',
        "demo/ops.py": "import torch\n\ndef quant(x, s):\n    return torch.ops._C.quant(x, s)\n",
    }
    check = check_project(project_of(tmp_path, files, "cuda", "cpu"))
    warned = [finding.platform for finding in check.findings if finding.rule == "CAL006"]
    unknown = [each.platform for each in check.unknowns if each.rule == "CAL006"]
    assert (warned, unknown) == ((["cpu"], []) if is_warning else ([], ["cpu"]))


def test_a_schema_that_a_macro_interrupts_still_names_its_operator(tmp_path: Path) -> None:
    text = (
        "#define TEXT(x) #x\n"
        "TORCH_LIBRARY(demo, m) {\n"
        '  m.def("rope(Tensor query, int page=" TEXT(\n      64) ", float base=2) -> Tensor");\n}\n'
        'TORCH_LIBRARY_IMPL(demo, CPU, m) { m.impl("rope", rope); }\n'
        "at::Tensor rope(at::Tensor query, int64_t page, double base) { return query; }\n"
    )
    setup = SETUP + "setup(ext_modules=[CppExtension('_C', ['ops.cpp'])])\n"
    project = project_of(tmp_path, {"setup.py": setup, "ops.cpp": text}, "cpu")
    assert not check_project(project).findings
    (row,) = build_matrix(project).rows
    assert (row.operator, row.cells[0].defined.truth) == ("demo::rope", Truth.TRUE)


def test_a_constant_pointer_is_the_same_parameter() -> None:
    assert same_type("const void*const", "const void*")
    assert same_type("int const", "int")
    assert not same_type("void*", "const void*")
