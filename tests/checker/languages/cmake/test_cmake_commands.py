"""What CMake's commands make of values: each script sets RESULT, a target's sources."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from checker.trees_on_disk import write_folder
from opparity.checker.facts.conditions import Truth
from opparity.checker.facts.platforms import Platform
from opparity.checker.languages.cmake.commands import COMMANDS
from opparity.checker.languages.cmake.configuration import option_value
from opparity.checker.languages.cmake.evaluation import CMakeReader
from opparity.checker.tree.opening import open_tree

if TYPE_CHECKING:
    from pathlib import Path

    from opparity.checker.facts.builds import Target

HEAD = "cmake_minimum_required(VERSION 3.26)\nproject(demo LANGUAGES CXX)\n"
FILES = ("a.cpp", "b.cpp", "c.cpp", "d.cu", "sub/e.cpp", "sub/inner/f.cpp")
LIST = "set(L a.cpp b.cpp c.cpp b.cpp)\n"


def target_of(root: Path, text: str, platform: str = "cuda", name: str = "_C") -> Target:
    write_folder(root, dict.fromkeys(FILES, b""))
    (root / "CMakeLists.txt").write_text(HEAD + text)
    (build,) = CMakeReader(open_tree(root)).read((Platform(platform),))
    assert not build.problems
    return next(target for target in build.targets if target.name == name)


def sources_of(target: Target) -> dict[str, Truth]:
    return {source.path: source.built for source in target.sources}


@pytest.mark.parametrize(
    ("text", "sources"),
    [
        ("set(RESULT a.cpp b.cpp)", "a b"),
        ("set(RESULT a.cpp)\nunset(RESULT)\nlist(APPEND RESULT b.cpp)", "b"),
        ("set(RESULT a.cpp)\nset(RESULT)\nlist(APPEND RESULT c.cpp)", "c"),
        (f"{LIST}list(REMOVE_ITEM L b.cpp)\nset(RESULT ${{L}})", "a c"),
        (f"{LIST}list(REMOVE_DUPLICATES L)\nset(RESULT ${{L}})", "a b c"),
        (f"{LIST}list(FILTER L INCLUDE REGEX a)\nset(RESULT ${{L}})", "a"),
        (f"{LIST}list(FILTER L EXCLUDE REGEX a)\nset(RESULT ${{L}})", "b c"),
        (f"{LIST}list(GET L 1 RESULT)", "b"),
        (f"{LIST}list(GET L 0 2 RESULT)", "a c"),
        (f"{LIST}list(SUBLIST L 0 1 RESULT)", "a"),
        (f"{LIST}list(SUBLIST L 2 -1 RESULT)", "c b"),
        (f"{LIST}list(POP_FRONT L RESULT)", "a"),
        (f"{LIST}list(POP_BACK L RESULT)", "b"),
        (f"{LIST}list(POP_FRONT L)\nlist(POP_BACK L)\nset(RESULT ${{L}})", "b c"),
        ("set(L a.cpp)\nlist(INSERT L 0 b.cpp)\nlist(GET L 0 RESULT)", "b"),
        ("set(L a.cpp)\nlist(PREPEND L c.cpp)\nlist(GET L 0 RESULT)", "c"),
        ("set(L a.cpp b.cpp c.cpp)\nlist(REMOVE_AT L 0 -1)\nset(RESULT ${L})", "b"),
        ("set(L c.cpp a.cpp)\nlist(SORT L)\nlist(GET L 0 RESULT)", "a"),
        ("set(L a.cpp c.cpp)\nlist(SORT L ORDER DESCENDING)\nlist(GET L 0 RESULT)", "c"),
        ("set(L a.cpp c.cpp)\nlist(REVERSE L)\nlist(GET L 0 RESULT)", "c"),
        ("set(L a b)\nlist(TRANSFORM L APPEND .cpp)\nset(RESULT ${L})", "a b"),
        ("set(L e.cpp)\nlist(TRANSFORM L PREPEND sub/ OUTPUT_VARIABLE RESULT)", "sub/e"),
        ("set(L A.CPP)\nlist(TRANSFORM L TOLOWER OUTPUT_VARIABLE RESULT)", "a"),
        ("set(L a.cu)\nlist(TRANSFORM L REPLACE [.]cu$ .cpp OUTPUT_VARIABLE RESULT)", "a"),
        (f"{LIST}list(FIND L c.cpp I)\nif(I EQUAL 2)\nset(RESULT a.cpp)\nendif()", "a"),
        (f"{LIST}list(FIND L x I)\nif(I EQUAL -1)\nset(RESULT b.cpp)\nendif()", "b"),
        (f"{LIST}list(LENGTH L N)\nif(N EQUAL 4)\nset(RESULT b.cpp)\nendif()", "b"),
        ("set(L a .)\nlist(JOIN L - T)\nif(T STREQUAL a-.)\nset(RESULT a.cpp)\nendif()", "a"),
        ("string(TOLOWER A.CPP RESULT)", "a"),
        ("string(TOUPPER a U)\nif(U STREQUAL A)\nset(RESULT a.cpp)\nendif()", "a"),
        ("string(REPLACE .cu .cpp RESULT a.cu)", "a"),
        ("string(REPLACE x y RESULT a.cpp)", "a"),
        ('string(STRIP "  b.cpp " RESULT)', "b"),
        ("string(CONCAT RESULT a . cpp)", "a"),
        ("string(JOIN . RESULT b cpp)", "b"),
        ("set(RESULT a)\nstring(APPEND RESULT .cpp)", "a"),
        ("set(RESULT cpp)\nstring(PREPEND RESULT b.)", "b"),
        ("string(SUBSTRING xa.cppy 1 5 RESULT)", "a"),
        ("string(SUBSTRING xxb.cpp 2 -1 RESULT)", "b"),
        ("string(FIND abcb b P)\nif(P EQUAL 1)\nset(RESULT a.cpp)\nendif()", "a"),
        ("string(FIND abcb b P REVERSE)\nif(P EQUAL 3)\nset(RESULT a.cpp)\nendif()", "a"),
        ("string(LENGTH abc N)\nif(N EQUAL 3)\nset(RESULT a.cpp)\nendif()", "a"),
        ("string(COMPARE EQUAL x x E)\nif(E)\nset(RESULT a.cpp)\nendif()", "a"),
        ("string(COMPARE NOTEQUAL x x E)\nif(NOT E)\nset(RESULT a.cpp)\nendif()", "a"),
        ("string(COMPARE LESS x y E)\nif(E)\nset(RESULT a.cpp)\nendif()", "a"),
        ('string(REGEX REPLACE "^x-(.*)$" "\\\\1" RESULT x-b.cpp)', "b"),
        ("string(REGEX MATCH [ab][.]cpp RESULT xb.cpp)", "b"),
        ("string(REGEX MATCHALL [ab][.]cpp RESULT a.cpp-b.cpp)", "a b"),
        ('string(REGEX MATCH "(.)[.]cu" O b.cu)\nset(RESULT ${CMAKE_MATCH_1}.cpp)', "b"),
        ('math(EXPR N "2*(3+4)-10/3%2")\nif(N EQUAL 13)\nset(RESULT a.cpp)\nendif()', "a"),
        ("math(EXPR N -3+5)\nif(N EQUAL 2)\nset(RESULT a.cpp)\nendif()", "a"),
        ("get_filename_component(N x/b.cpp NAME)\nset(RESULT ${N})", "b"),
        ("get_filename_component(N x/b.y.cu NAME_WE)\nset(RESULT ${N}.cpp)", "b"),
        (
            (
                "get_filename_component(N b.y.cu NAME_WLE)\n"
                "if(N STREQUAL b.y)\n"
                "set(RESULT b.cpp)\n"
                "endif()"
            ),
            "b",
        ),
        ("get_filename_component(N b.y.cpp LAST_EXT)\nset(RESULT a${N})", "a"),
        ("get_filename_component(N b.cpp EXT)\nset(RESULT a${N})", "a"),
        ("get_filename_component(N sub/e.cu DIRECTORY)\nset(RESULT ${N}/e.cpp)", "sub/e"),
        ("get_filename_component(RESULT sub/../a.cpp ABSOLUTE)", "a"),
        ("file(GLOB RESULT *.cpp)", "a b c"),
        ("file(GLOB RESULT [ab].cpp ?.cu)", "a b d"),
        ("file(GLOB RESULT CONFIGURE_DEPENDS sub/*.cpp)", "sub/e"),
        ("file(GLOB_RECURSE RESULT sub/*.cpp)", "sub/e sub/inner/f"),
        ("file(GLOB RESULT RELATIVE ${CMAKE_CURRENT_SOURCE_DIR} a*.cpp)", "a"),
        ("foreach(N a b)\nlist(APPEND RESULT ${N}.cpp)\nendforeach()", "a b"),
        (
            (
                "foreach(N RANGE 1 2)\n"
                "list(APPEND L ${N})\n"
                "endforeach()\n"
                'if(L STREQUAL "1;2")\n'
                "set(RESULT a.cpp)\n"
                "endif()"
            ),
            "a",
        ),
        (
            (
                "foreach(N a b c)\n"
                "if(N STREQUAL b)\n"
                "continue()\n"
                "endif()\n"
                "list(APPEND RESULT ${N}.cpp)\n"
                "endforeach()"
            ),
            "a c",
        ),
        (
            (
                "foreach(N a b c)\n"
                "if(N STREQUAL b)\n"
                "break()\n"
                "endif()\n"
                "list(APPEND RESULT ${N}.cpp)\n"
                "endforeach()"
            ),
            "a",
        ),
        (
            (
                "set(N x)\n"
                "while(NOT N STREQUAL xxx)\n"
                "string(APPEND N x)\n"
                "list(APPEND RESULT b.cpp)\n"
                "endwhile()"
            ),
            "b",
        ),
        ("function(give OUT)\nset(${OUT} a.cpp PARENT_SCOPE)\nendfunction()\ngive(RESULT)", "a"),
        ("function(keep)\nset(RESULT b.cpp)\nendfunction()\nset(RESULT a.cpp)\nkeep()", "a"),
        ("macro(give)\nset(RESULT ${ARGV1})\nendmacro()\ngive(a.cpp b.cpp)", "b"),
        (
            (
                "function(give)\n"
                "set(RESULT ${ARGN} PARENT_SCOPE)\n"
                "return()\n"
                "set(RESULT c.cpp PARENT_SCOPE)\n"
                "endfunction()\n"
                "give(a.cpp b.cpp)"
            ),
            "a b",
        ),
        (
            (
                "function(take)\n"
                'cmake_parse_arguments(T "WHOLE" "ONE" "MANY" ${ARGN})\n'
                "if(T_WHOLE)\n"
                "set(RESULT ${T_ONE} ${T_MANY} PARENT_SCOPE)\n"
                "endif()\n"
                "endfunction()\n"
                "take(WHOLE ONE a.cpp MANY b.cpp c.cpp)"
            ),
            "a b c",
        ),
        ("add_library(other OBJECT a.cpp b.cpp)\nget_target_property(RESULT other SOURCES)", "a b"),
        (
            (
                "set_property(GLOBAL PROPERTY S a.cpp)\n"
                "set_property(GLOBAL APPEND PROPERTY S b.cpp)\n"
                "get_property(RESULT GLOBAL PROPERTY S)"
            ),
            "a b",
        ),
        ("execute_process(COMMAND echo a.cpp OUTPUT_VARIABLE RESULT)", "a"),
        (
            (
                "execute_process(COMMAND x RESULT_VARIABLE R)\n"
                "if(R EQUAL 0)\n"
                "set(RESULT a.cpp)\n"
                "endif()"
            ),
            "a",
        ),
        ("check_cxx_compiler_flag(-O9 OK)\nif(OK)\nset(RESULT a.cpp)\nendif()", "a"),
        ("find_package(Torch REQUIRED)\nif(Torch_FOUND)\nset(RESULT a.cpp)\nendif()", "a"),
        (
            (
                "if(EXISTS ${CMAKE_SOURCE_DIR}/b.cpp)\n"
                "if(NOT IS_DIRECTORY ${CMAKE_SOURCE_DIR}/b.cpp)\n"
                "set(RESULT b.cpp)\n"
                "endif()\nendif()"
            ),
            "b",
        ),
        ("if(1.10 VERSION_GREATER 1.9 AND 2.0 VERSION_EQUAL 2)\nset(RESULT b.cpp)\nendif()", "b"),
        ("if(b IN_LIST L OR xay MATCHES a)\nset(RESULT b.cpp)\nendif()", "b"),
        (
            (
                "if(DEFINED L)\n"
                "set(RESULT a.cpp)\n"
                'elseif("2" LESS "10")\n'
                "set(RESULT b.cpp)\n"
                "else()\n"
                "set(RESULT c.cpp)\n"
                "endif()"
            ),
            "b",
        ),
    ],
)
def test_a_command_makes_the_list_that_cmake_makes(text: str, sources: str, tmp_path: Path) -> None:
    target = target_of(tmp_path, f"{text}\nadd_library(_C MODULE ${{RESULT}})\n")
    wanted = {name + (".cu" if name == "d" else ".cpp") for name in sources.split()}
    assert sources_of(target) == dict.fromkeys(wanted, Truth.TRUE)


@pytest.mark.parametrize(
    ("text", "name", "kind"),
    [
        ("add_library(_C a.cpp)", "_C", "library"),
        ("add_library(_C SHARED a.cpp)", "_C", "shared"),
        ("add_library(_C STATIC a.cpp)", "_C", "static"),
        ("pybind11_add_module(_C a.cpp)", "_C", "module"),
        ("Python_add_library(_C MODULE USE_SABI 3.9 WITH_SOABI a.cpp)", "_C", "module"),
        ("Python_add_library(_C SHARED a.cpp)", "_C", "shared"),
        ("add_executable(tool a.cpp)", "tool", "executable"),
        ("add_library(_C MODULE)\ntarget_sources(_C PRIVATE a.cpp)", "_C", "module"),
        ("add_library(_C MODULE)\nset_property(TARGET _C PROPERTY SOURCES a.cpp)", "_C", "module"),
    ],
)
def test_targets_are_of_the_kind_that_their_command_makes(
    text: str, name: str, kind: str, tmp_path: Path
) -> None:
    target = target_of(tmp_path, text + "\n", name=name)
    assert (target.kind, sources_of(target)) == (kind, {"a.cpp": Truth.TRUE})


@pytest.mark.parametrize(
    ("name", "platform", "value"),
    [
        ("USE_ROCM", "rocm", "ON"),
        ("USE_ROCM", "cuda", "OFF"),
        ("DEMO_WITH_CUDA", "cuda", "ON"),
        ("BUILD_CUDA", "cpu", "OFF"),
        ("USE_FAST_MATH", "cuda", None),
        ("ROCM", "rocm", None),
    ],
)
def test_an_option_that_names_a_platform_is_set_for_it(
    name: str, platform: str, value: str | None
) -> None:
    assert option_value(name, Platform(platform)) == value


@pytest.mark.parametrize(
    "question",
    [
        "check_include_file_cxx(numa.h HAVE)",
        "cmake_host_system_information(RESULT ignored QUERY HAVE)",
        "find_library(HAVE numa)",
        "try_compile(HAVE build a.cpp)",
        "execute_process(COMMAND uname OUTPUT_VARIABLE HAVE)",
        "string(SHA256 HAVE a.cpp)",
        "file(READ missing.txt HAVE)",
        "file(STRINGS missing.txt HAVE)",
        "file(READ a.cpp HAVE OFFSET 3)",
        "file(STRINGS a.cpp HAVE LIMIT_COUNT 2 LIMIT 3)",
        "string(TIMESTAMP HAVE)",
        "string(UUID HAVE NAMESPACE x)",
        "string(RANDOM LENGTH 3 HAVE)",
        "string(JSON HAVE GET x)",
        'string(CONFIGURE "@X@" HAVE)',
        "string(GENEX_STRIP x HAVE)",
        'string(REGEX MATCH "[" HAVE x)',
        "cmake_path(GET a.cpp EXTENSION HAVE)",
        'math(EXPR HAVE "1 << 3")',
        'math(EXPR HAVE "1/0")',
        "get_filename_component(HAVE a.cpp PROGRAM)",
        "get_target_property(HAVE x TYPE)",
        "get_property(HAVE TARGET x PROPERTY TYPE)",
        "find_path(HAVE x.h)",
        "find_package(Somebodys)\nset(HAVE ${Somebodys_FOUND})",
        "check_language(HIP HAVE)",
        'check_cxx_source_compiles("int main() {}" HAVE)',
        "somebodys_command(HAVE)",
        "list(SOMETHING_NEW L HAVE)\nsomebodys_command(HAVE)",
    ],
)
def test_what_only_the_machine_knows_is_not_decided(question: str, tmp_path: Path) -> None:
    text = (
        f"set(S a.cpp)\n{question}\nif(HAVE)\nlist(APPEND S b.cpp)\nendif()\n"
        "add_library(_C MODULE ${S})\n"
    )
    assert sources_of(target_of(tmp_path, text)) == {"a.cpp": Truth.TRUE, "b.cpp": Truth.UNKNOWN}


@pytest.mark.parametrize(
    ("condition", "is_decided"),
    [
        ("ON OR OFF AND OFF", False),
        ("ON OR (OFF AND OFF)", True),
        ("OFF AND OFF OR ON", True),
        ("ON AND ON OR OFF AND OFF", True),
        ("ON OR OFF OR OFF AND OFF", True),
        ("OFF AND OFF AND OFF OR ON", False),
    ],
)
def test_what_cmakes_versions_read_differently_is_open(
    tmp_path: Path, condition: str, *, is_decided: bool
) -> None:
    # Older ones take AND first, newer ones pairs from the left.
    listed = f"if({condition})\nset(S a.cpp)\nendif()\nadd_library(lib MODULE b.cpp ${{S}})"
    write_folder(tmp_path, {"CMakeLists.txt": listed.encode(), "a.cpp": b"", "b.cpp": b""})
    (build,) = CMakeReader(open_tree(tmp_path)).read((Platform("cuda"),))
    built = {source.path: source.built for source in build.targets[0].sources}
    assert (built.get("a.cpp") is not Truth.UNKNOWN) is is_decided


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("file(READ /proc/cpuinfo HAVE)", "avx2"),
        ("file(STRINGS /proc/cpuinfo HAVE)", "avx512f"),
        ("execute_process(COMMAND cat /proc/cpuinfo OUTPUT_VARIABLE HAVE)", "amx_bf16"),
        ("execute_process(COMMAND cmake -E echo one two OUTPUT_VARIABLE HAVE)", "^one two$"),
        ("execute_process(COMMAND cat names.txt OUTPUT_VARIABLE HAVE ERROR_QUIET)", "^a b$"),
        ("execute_process(COMMAND x ERROR_VARIABLE E)\nset(HAVE none${E})", "^none$"),
        ('get_hipified_list("a.cu" "b.cu" HAVE)', "^a.cu;b.cu$"),
        ("set(HAVE ${demo_SOURCE_DIR})", "@source$"),
        ("set(HAVE ${PROJECT_NAME})", "^demo$"),
        ("set(HAVE ${CMAKE_CURRENT_LIST_DIR})", "@source$"),
        ("include(CheckCXXCompilerFlag)\ncheck_cxx_compiler_flag(-Wx HAVE)", "^1$"),
    ],
)
def test_what_a_current_machine_answers(question: str, answer: str, tmp_path: Path) -> None:
    (tmp_path / "names.txt").write_text("a b\n")
    text = (
        f'{question}\nif("${{HAVE}}" MATCHES "{answer}")\nadd_library(_C MODULE a.cpp)\n'
        "else()\nadd_library(_C MODULE b.cpp)\nendif()\n"
    )
    assert sources_of(target_of(tmp_path, text)) == {"a.cpp": Truth.TRUE}


@pytest.mark.parametrize("command", sorted(COMMANDS))
def test_a_command_cut_short_takes_nothing_from_what_stands_before_it(
    command: str, tmp_path: Path
) -> None:
    words = ("RESULT", "GLOBAL", "PROPERTY", "SOURCES", "x")
    cut = "".join(f"{command}({' '.join(words[:count])})\n" for count in range(len(words)))
    text = f"add_library(_C MODULE a.cpp b.cpp)\n{cut}"
    assert sources_of(target_of(tmp_path, text)) == {"a.cpp": Truth.TRUE, "b.cpp": Truth.TRUE}
