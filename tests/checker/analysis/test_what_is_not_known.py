"""What is not known is said once, and is neither yes nor no in the matrix."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from opparity.checker.analysis.matrix import build_matrix
from opparity.checker.analysis.reading import read_project
from opparity.checker.analysis.services import Analysis
from opparity.checker.analysis.types import same_type
from opparity.checker.facts.conditions import Truth
from opparity.checker.facts.platforms import parse_platform
from opparity.checker.results.check import check_project
from opparity.words.catalogue import english

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


SETUP = (
    "import sys\nfrom setuptools import setup\nfrom torch.utils.cpp_extension import CppExtension\n"
)
BINDINGS = (
    "void first(); void second(); void third();\n"
    "void again() { third(); }\n"
    "PYBIND11_MODULE(TORCH_EXTENSION_NAME, m) {\n"
    '  m.def("first", &first);\n  m.def("second", &second);\n  m.def("again", &again);\n}\n'
)


def analysis_of(root: Path, files: Mapping[str, str], *platforms: str) -> Analysis:
    for path, text in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    return Analysis(read_project(root, [parse_platform(name) for name in platforms]))


def test_symbols_of_another_library_are_one_unknown_for_each_rule(tmp_path: Path) -> None:
    setup = SETUP + (
        "setup(ext_modules=[CppExtension('demo_C', ['bindings.cpp']),"
        " CppExtension('libdemo', ['library.cpp'])])\n"
    )
    library = "void first() {}\nvoid second() {}\nvoid third() {}\n"
    files = {"setup.py": setup, "bindings.cpp": BINDINGS, "library.cpp": library}
    check = check_project(analysis_of(tmp_path, files, "cuda"))
    assert not check.findings
    called, bound = sorted(check.unknowns, key=lambda unknown: unknown.symbol, reverse=True)
    assert (called.rule, called.symbol) == ("BLD002", "third")
    assert (bound.rule, bound.symbol) == ("BLD001", "")
    assert "takes first and second on cuda from another target, libdemo" in english(bound.statement)
    assert [each.location.line for each in bound.related] == [4, 5]


def test_an_extension_that_is_made_only_when_asked_for_is_unknown_in_the_matrix(
    tmp_path: Path,
) -> None:
    setup = SETUP + (
        "modules = [CppExtension('other_C', ['other.cpp'])]\nif '--bindings' in sys.argv:\n"
        "    modules.append(CppExtension('demo_C', ['bindings.cpp', 'library.cpp']))\n"
        "setup(ext_modules=modules)\n"
    )
    library = "void first() {}\nvoid second() {}\nvoid third() {}\n"
    files = {"setup.py": setup, "bindings.cpp": BINDINGS, "library.cpp": library, "other.cpp": ""}
    matrix = build_matrix(analysis_of(tmp_path, files, "cuda"))
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
    check = check_project(analysis_of(tmp_path, files, "cuda", "cpu"))
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
    analysis = analysis_of(tmp_path, {"setup.py": setup, "ops.cpp": text}, "cpu")
    assert not check_project(analysis).findings
    (row,) = build_matrix(analysis).rows
    assert (row.operator, row.cells[0].defined.truth) == ("demo::rope", Truth.TRUE)


def test_a_macro_names_its_operators_by_its_arguments(tmp_path: Path) -> None:
    text = (
        "#define PACK(bits, kernel) \\\n"
        '  m.def("pack_" #bits "bit(Tensor kernel) -> Tensor", &kernel##_cpu)\n'
        "TORCH_LIBRARY(demo, m) {\n  PACK(4, fast);\n  PACK(8, slow);\n}\n"
        "at::Tensor fast_cpu(at::Tensor kernel) { return kernel; }\n"
        "at::Tensor slow_cpu(at::Tensor kernel) { return kernel; }\n"
    )
    setup = SETUP + "setup(ext_modules=[CppExtension('_C', ['ops.cpp'])])\n"
    analysis = analysis_of(tmp_path, {"setup.py": setup, "ops.cpp": text}, "cpu")
    assert not check_project(analysis).findings
    rows = {row.operator: row for row in build_matrix(analysis).rows}
    assert {name: row.symbols for name, row in rows.items()} == {
        "demo::pack_4bit": ("fast_cpu",),
        "demo::pack_8bit": ("slow_cpu",),
    }
    assert rows["demo::pack_8bit"].cells[0].built.truth is Truth.TRUE


@pytest.mark.parametrize(
    ("maker", "linked", "expected"),
    [
        ("toolkit_library(kernels SHARED", "kernels", []),
        ("toolkit_library(kernels SHARED", "", ["first"]),
        ("toolkit_options(kernels SHARED", "kernels", ["first"]),
    ],
)
def test_a_toolkits_command_makes_a_library_too(
    tmp_path: Path, maker: str, linked: str, expected: list[str]
) -> None:
    cmake = (
        "cmake_minimum_required(VERSION 3.26)\nproject(demo LANGUAGES CXX)\n"
        f"{maker} first.cpp)\nadd_library(_C MODULE ops.cpp)\n"
        f"target_link_libraries(_C PRIVATE torch {linked})\n"
    )
    ops = 'void first();\nPYBIND11_MODULE(_C, m) { m.def("first", &first); }\n'
    files = {"CMakeLists.txt": cmake, "ops.cpp": ops, "first.cpp": "void first() {}\n"}
    check = check_project(analysis_of(tmp_path, files, "cpu"))
    found = [each.symbol for each in check.findings] + [each.symbol for each in check.unknowns]
    assert found == expected


@pytest.mark.parametrize("is_linked", [False, True])
def test_what_a_static_library_lacks_is_for_whoever_links_it(
    tmp_path: Path, is_linked: bool
) -> None:
    cmake = (
        "cmake_minimum_required(VERSION 3.26)\nproject(demo LANGUAGES CXX)\n"
        "add_library(kernels STATIC ops.cpp)\ntarget_link_libraries(kernels torch)\n"
        "add_executable(tool main.cpp)\n"
    )
    cmake += "target_link_libraries(tool kernels)\n" if is_linked else ""
    ops = "void first();\nvoid second() { first(); }\n"
    files = {"CMakeLists.txt": cmake, "ops.cpp": ops, "first.cpp": "void first() {}\n"}
    files["main.cpp"] = "int main() { return 0; }\n"
    check = check_project(analysis_of(tmp_path, files, "cpu"))
    certain = [(each.rule, each.symbol) for each in check.findings]
    unknown = [(each.rule, each.symbol) for each in check.unknowns]
    expected = [("BLD002", "first")]
    assert (certain, unknown) == ((expected, []) if is_linked else ([], expected))


def test_registrations_in_files_that_no_list_names_are_one_unknown(tmp_path: Path) -> None:
    setup = SETUP + "setup(ext_modules=[CppExtension('_C', ['ops.cpp'])])\n"
    library = 'TORCH_LIBRARY_FRAGMENT(demo, m) {{ m.def("{0}() -> int"); }}\n'
    files = {
        "setup.py": setup,
        "ops.cpp": library.format("listed"),
        "jit/first.cpp": library.format("first"),
        "jit/second.cpp": library.format("second"),
        "third_party/other.cpp": library.format("other"),
    }
    check = check_project(analysis_of(tmp_path, files, "cpu"))
    (unknown,) = (each for each in check.unknowns if each.rule == "INP001")
    assert "2 files register operators" in english(unknown.statement)
    assert [each.location.path for each in unknown.related] == ["jit/first.cpp", "jit/second.cpp"]


def test_a_constant_pointer_is_the_same_parameter() -> None:
    assert same_type("const void*const", "const void*")
    assert same_type("int const", "int")
    assert not same_type("void*", "const void*")


@pytest.mark.parametrize(
    ("header", "declared", "is_error"),
    [
        ("csrc/api.h", "namespace demo { void missing(); }", True),
        ("include/api.h", "namespace demo { void missing(); }", False),
        ("include/api.h", "namespace demo { void present(); void missing(); }", True),
        (
            "include/api.h",
            "namespace other { void present(); } namespace demo { void missing(); }",
            False,
        ),
        ("include/api.h", "namespace demo { void absent(); void missing(); }", False),
    ],
)
def test_a_missing_function_is_ours_where_we_define_what_its_header_declares_beside_it(
    tmp_path: Path, header: str, declared: str, *, is_error: bool
) -> None:
    owner = "other" if "namespace other" in declared else "demo"
    files = {
        "setup.py": f"{SETUP}setup(ext_modules=[CppExtension('demo_C', ['csrc/bindings.cpp'])])\n",
        header: f"#pragma once\n{declared}\n",
        "csrc/bindings.cpp": (
            f'#include "{header.rpartition("/")[2]}"\n'
            f"namespace {owner} {{ void present() {{}} }}\n"
            "void used() { demo::missing(); }\n"
            'PYBIND11_MODULE(TORCH_EXTENSION_NAME, m) { m.def("used", &used); }\n'
        ),
    }
    check = check_project(analysis_of(tmp_path, files, "cuda"))
    told = [(each.rule, each.symbol.rpartition("::")[2]) for each in check.findings]
    assert told == [("BLD002", "missing")] * is_error


@pytest.mark.parametrize(
    ("sources", "expected"),
    [
        ("['demo/fast.cpp']", ["fast"]),
        ("['demo/fast.pyx']", []),
        ("['demo/fast.cpp', 'demo/fast.pyx']", []),
        ("['demo/fast.cpp', 'demo/fast.asm']", []),
        ("['demo/fast.cpp', 'demo/module.cpp']", []),
    ],
)
def test_a_module_has_no_bindings_where_all_of_its_sources_were_read(
    tmp_path: Path, sources: str, expected: list[str]
) -> None:
    files = {
        "setup.py": f"{SETUP}setup(ext_modules=[CppExtension('demo.fast', {sources})])\n",
        "demo/__init__.py": "from demo import fast\n",
        "demo/fast.cpp": "int first() { return 1; }\n",
        "demo/fast.pyx": "def first():\n    return 1\n",
        "demo/fast.asm": "nop\n",
        "demo/module.cpp": BINDINGS.replace("void again() { third(); }\n", ""),
    }
    check = check_project(analysis_of(tmp_path, files, "cpu"))
    assert [each.symbol for each in check.findings if each.rule == "BLD015"] == expected
