"""What a CMake build is presumed to find: submodules, packages' variables, compilers' answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from opparity.checker.facts.conditions import Truth
from opparity.checker.facts.platforms import Platform
from opparity.checker.languages.cmake.evaluation import CMakeReader
from opparity.checker.tree.opening import open_tree

if TYPE_CHECKING:
    from pathlib import Path

    from opparity.checker.facts.builds import Build

HEAD = "cmake_minimum_required(VERSION 3.26)\nproject(demo LANGUAGES CXX)\n"
TAIL = "add_library(_C MODULE a.cpp)\n"


def read(root: Path, text: str, platform: Platform | None = None) -> Build:
    for path in ("a.cpp", "b.cpp", "external/other/c.h"):
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text("")
    (root / "CMakeLists.txt").write_text(HEAD + text)
    (build,) = CMakeReader(open_tree(root)).read((platform or Platform("cuda"),))
    return build


@pytest.mark.parametrize(
    "path", ["external/extensions/build/include/x.h", "external/lib", "missing/x.h"]
)
def test_a_build_may_have_a_submodule_that_the_tree_lacks(tmp_path: Path, path: str) -> None:
    text = (
        f'if(NOT EXISTS "${{CMAKE_CURRENT_SOURCE_DIR}}/{path}")\n'
        '  message(FATAL_ERROR "run git submodule update")\nendif()\n'
    )
    build = read(tmp_path, text + TAIL)
    assert not build.problems
    assert [target.name for target in build.targets] == ["_C"]


def test_a_file_that_a_folder_of_the_tree_lacks_does_not_exist(tmp_path: Path) -> None:
    text = 'if(NOT EXISTS "${CMAKE_CURRENT_SOURCE_DIR}/z.cpp")\n  add_library(_C MODULE a.cpp)\n'
    build = read(tmp_path, text + "else()\n  add_library(_D MODULE b.cpp)\nendif()\n")
    assert [(target.name, target.built) for target in build.targets] == [("_C", Truth.TRUE)]


def test_a_cache_entry_wins_over_what_a_package_would_set(tmp_path: Path) -> None:
    text = (
        'set(CUDA_VERSION "short" CACHE STRING "")\n'
        'if(NOT CUDA_VERSION STREQUAL "short")\n  message(FATAL_ERROR "x")\nendif()\n'
    )
    assert not read(tmp_path, text + TAIL).problems


def test_a_cache_entry_does_not_win_over_the_architectures_asked_for(tmp_path: Path) -> None:
    text = (
        'set(CMAKE_CUDA_ARCHITECTURES "70" CACHE STRING "")\n'
        'if(CMAKE_CUDA_ARCHITECTURES STREQUAL "90")\n' + TAIL + "endif()\n"
    )
    build = read(tmp_path, text, Platform("cuda", ("9.0",)))
    assert [target.built for target in build.targets] == [Truth.TRUE]


@pytest.mark.parametrize(
    ("processor", "expected"), [((), {"a.cpp", "b.cpp"}), (("aarch64",), {"a.cpp"})]
)
def test_a_trial_program_of_an_instruction_set_is_compiled_on_its_processor(
    tmp_path: Path, processor: tuple[str, ...], expected: set[str]
) -> None:
    text = (
        'check_cxx_source_compiles("int main() {}" CXX_HAS_AVX2)\nset(SOURCES a.cpp)\n'
        "if(CXX_HAS_AVX2)\n  list(APPEND SOURCES b.cpp)\nendif()\n"
        "add_library(_C MODULE ${SOURCES})\n"
    )
    (target,) = read(tmp_path, text, Platform("cpu", processor)).targets
    assert {source.path for source in target.sources} == expected
    assert {source.built for source in target.sources} == {Truth.TRUE}


def test_a_library_in_a_link_expression_is_linked(tmp_path: Path) -> None:
    text = (
        "add_library(models STATIC b.cpp)\n" + TAIL + "target_link_libraries(_C PRIVATE "
        '"$<LINK_LIBRARY:WHOLE_ARCHIVE,models>" $<BUILD_INTERFACE:torch>)\n'
    )
    by_name = {target.name: target for target in read(tmp_path, text).targets}
    assert {"models", "torch"} <= set(by_name["_C"].links)
