"""The commands that a build description is made of, one function each."""

from __future__ import annotations

import itertools
import posixpath
import re
from typing import TYPE_CHECKING

from opparity.checker.facts.numbers import whole_number
from opparity.checker.languages.cmake.configuration import BINARY, SOURCE, processor
from opparity.checker.languages.cmake.file_commands import content_of, file_command
from opparity.checker.languages.cmake.property_commands import PROPERTY_COMMANDS
from opparity.checker.languages.cmake.state import LanguageAbsentError
from opparity.checker.languages.cmake.target_commands import TARGET_COMMANDS
from opparity.checker.languages.cmake.text_commands import (
    calculate,
    filename_component,
    list_command,
    string_command,
)
from opparity.checker.languages.cmake.values import (
    UNKNOWN,
    joined,
    split_list,
    written_list,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from opparity.checker.languages.cmake.machine import Machine
    from opparity.checker.languages.cmake.syntax import Command

_OPTIONS_OF_PROCESSES = frozenset(
    {"OUTPUT_VARIABLE", "ERROR_VARIABLE", "RESULT_VARIABLE", "WORKING_DIRECTORY", "TIMEOUT"}
    | {"OUTPUT_STRIP_TRAILING_WHITESPACE", "ERROR_QUIET", "OUTPUT_QUIET", "COMMAND_ERROR_IS_FATAL"}
)
# What a trial program of an instruction set of x86-64 is for, by its result's name.
_INSTRUCTION_SET = re.compile(r"AVX|SSE|FMA|F16C|AMX")


def _set(machine: Machine, command: Command, arguments: list[str]) -> None:
    if not arguments:
        return
    name, *values = arguments
    if name.startswith("ENV{"):
        machine.assign(name, ";".join(values))
        return
    if values[-1:] == ["PARENT_SCOPE"]:
        outer = machine.scope.parent
        if outer is not None:
            machine.assign(name, ";".join(values[:-1]), outer)
        return
    if "CACHE" in values:
        at = values.index("CACHE")
        # A value given beforehand wins: the platform's own switch, or an earlier set.
        if "FORCE" in values[at:] or machine.is_presumed(name):
            machine.assign(name, ";".join(values[:at]))
        elif machine.lookup(name) is None:
            machine.offer(name, ";".join(values[:at]), command.location)
        return
    value = ";".join(values)
    if not values and len(command.arguments) == 1:
        machine.scope.variables.pop(name, None)
        return
    machine.assign(name, value)


def _unset(machine: Machine, command: Command, arguments: list[str]) -> None:
    del command
    if arguments:
        machine.scope.variables.pop(arguments[0], None)


def _option(machine: Machine, command: Command, arguments: list[str]) -> None:
    if arguments and machine.lookup(arguments[0]) is None:
        default = arguments[2] if len(arguments) > 2 else "OFF"  # noqa: PLR2004
        machine.offer(arguments[0], default, command.location)


def _list(machine: Machine, command: Command, arguments: list[str]) -> None:
    del command
    if len(arguments) < 2:  # noqa: PLR2004 -- operation and variable
        return
    operation, name, *rest = arguments
    # Elements that are joined to others stay as they are written.
    split = written_list if operation in {"APPEND", "PREPEND"} else split_list
    changed = list_command(operation, split(machine.read(name)), rest)
    for output, value in (changed or {}).items():
        machine.assign(output or name, value)


def _string(machine: Machine, command: Command, arguments: list[str]) -> None:
    del command
    if arguments[:1] == ["APPEND"] and len(arguments) > 1:
        machine.assign(arguments[1], joined("", [machine.read(arguments[1]), *arguments[2:]]))
    elif arguments[:1] == ["PREPEND"] and len(arguments) > 1:
        machine.assign(arguments[1], joined("", [*arguments[2:], machine.read(arguments[1])]))
    else:
        for output, value in string_command(arguments).items():
            machine.assign(output, value)


def _math(machine: Machine, command: Command, arguments: list[str]) -> None:
    del command
    if len(arguments) > 2:  # noqa: PLR2004 -- EXPR, output, expression
        machine.assign(arguments[1], calculate(arguments[2]))


def _filename_component(machine: Machine, command: Command, arguments: list[str]) -> None:
    del command
    if len(arguments) > 2:  # noqa: PLR2004 -- output, path, mode
        output, path, mode = arguments[:3]
        base = machine.read("CMAKE_CURRENT_SOURCE_DIR")
        machine.assign(output, filename_component(path, mode, base))


def _cmake_path(machine: Machine, command: Command, arguments: list[str]) -> None:
    del command
    if arguments and len(arguments) > 1:
        machine.assign(arguments[-1], UNKNOWN)


def _include(machine: Machine, command: Command, arguments: list[str]) -> None:
    del command
    if not arguments:
        return
    name = arguments[0]
    path = machine.inside(name)
    candidates = [path] if path else []
    if "/" not in name:
        for folder in split_list(machine.read("CMAKE_MODULE_PATH")):
            inside = machine.inside(posixpath.join(folder, f"{name}.cmake"))
            candidates.extend([inside] if inside else [])
    for candidate in candidates:
        if machine.include(candidate):
            return
    if "OPTIONAL" not in arguments:
        machine.external.add(posixpath.basename(name).partition(".")[0].lower())


def _subdirectory(machine: Machine, command: Command, arguments: list[str]) -> None:
    del command
    path = machine.inside(arguments[0]) if arguments else None
    if path is not None:
        machine.enter_directory(path)


def _find_package(machine: Machine, command: Command, arguments: list[str]) -> None:
    del command
    if not arguments:
        return
    name = arguments[0]
    machine.external.add(name.lower())
    if name in {"HIP", "CUDA", "CUDAToolkit", "hip"}:
        return  # the platform says whether they are found
    for found in (f"{name}_FOUND", f"{name.upper()}_FOUND"):
        if found not in machine.scope.variables:
            # A required package is there in a build that succeeds.
            machine.assign(found, "1" if "REQUIRED" in arguments else UNKNOWN)


def _fetch_declare(machine: Machine, command: Command, arguments: list[str]) -> None:
    del command
    if arguments:
        machine.external.add(arguments[0].lower())


def _execute_process(machine: Machine, command: Command, arguments: list[str]) -> None:
    del command
    output = (
        machine.processor_text() if "/proc/cpuinfo" in arguments else _printed(machine, arguments)
    )
    # A build that succeeds is one whose commands succeed.
    values = {"OUTPUT_VARIABLE": output, "ERROR_VARIABLE": "", "RESULT_VARIABLE": "0"}
    for keyword, name in itertools.pairwise(arguments):
        if keyword in values:
            machine.assign(name, values[keyword])


def _printed(machine: Machine, arguments: list[str]) -> str:
    """Return what `cat FILE` or `echo TEXT` prints; UNKNOWN for any other command."""
    given = arguments[1:] if arguments[:1] == ["COMMAND"] else []
    if given[1:2] == ["-E"]:  # of CMake itself
        given = given[2:]
    ends = [index for index, word in enumerate(given) if word in _OPTIONS_OF_PROCESSES]
    words = given[: ends[0]] if ends else given
    if words[:1] == ["echo"]:
        return " ".join(words[1:])
    if words[:1] == ["cat"] and len(words) == 2:  # noqa: PLR2004 -- cat FILE
        return content_of(machine, "READ", words[1], []).strip()
    return UNKNOWN


def _supported(machine: Machine, command: Command, arguments: list[str]) -> None:
    """Take a question to the compiler: a current one knows the flags that builds ask for."""
    del command
    if len(arguments) > 1:
        machine.assign(arguments[-1], "1")


def _compiles(machine: Machine, command: Command, arguments: list[str]) -> None:
    """Take a trial program: a current compiler knows the processor's instruction sets."""
    if len(arguments) > 1 and _INSTRUCTION_SET.search(arguments[-1]):
        machine.assign(arguments[-1], "1" if processor(machine.platform) == "x86_64" else "")
    else:
        _unknown_last(machine, command, arguments)


def _unknown_last(machine: Machine, command: Command, arguments: list[str]) -> None:
    del command
    if len(arguments) > 1:
        machine.assign(arguments[-1], UNKNOWN)


def _unknown_first(machine: Machine, command: Command, arguments: list[str]) -> None:
    del command
    if arguments:
        machine.assign(arguments[0], UNKNOWN)


def _parse_arguments(machine: Machine, command: Command, arguments: list[str]) -> None:
    del command
    if arguments[:1] == ["PARSE_ARGV"] and len(arguments) > 5:  # noqa: PLR2004 -- its own head
        start, prefix, *lists = arguments[1:6]
        skipped = max(whole_number(start) or 0, 0)
        count = whole_number(machine.read("ARGC")) or 0
        machine.steps.count(max(count - skipped, 0))
        given = [machine.read(f"ARGV{index}") for index in range(skipped, count)]
        separator = "\\;"  # a list that was one argument stays one element
    elif len(arguments) > 3:  # noqa: PLR2004
        prefix, *lists = arguments[:4]
        given = [part for value in arguments[4:] for part in split_list(value)]
        separator = ";"
    else:
        return
    options, singles, multiples = (set(split_list(text)) for text in lists)
    for name in options:
        machine.scope.variables[f"{prefix}_{name}"] = "FALSE"
    for name in singles | multiples:
        machine.scope.variables.pop(f"{prefix}_{name}", None)
    values: dict[str, list[str]] = {}
    current = ""
    for word in given:
        if word in options:
            machine.scope.variables[f"{prefix}_{word}"] = "TRUE"
            current = ""
        elif word in singles | multiples:
            current = word
            values.setdefault(current, [])
        elif current in singles and values[current]:
            values.setdefault("UNPARSED_ARGUMENTS", []).append(word)
        else:
            values.setdefault(current or "UNPARSED_ARGUMENTS", []).append(word)
    for name, words in values.items():
        parts = words if name in singles else [each.replace(";", separator) for each in words]
        machine.scope.variables[f"{prefix}_{name}"] = ";".join(parts)


def _project(machine: Machine, command: Command, arguments: list[str]) -> None:
    del command
    if machine.platform.language == "HIP" and "CUDA" in arguments[1:] and not machine.doubt:
        raise LanguageAbsentError  # without nvcc
    machine.enable(arguments[1:], is_project=True)
    if arguments:
        current = machine.read("CMAKE_CURRENT_SOURCE_DIR") or SOURCE
        machine.scope.variables["PROJECT_NAME"] = arguments[0]
        machine.scope.variables["PROJECT_SOURCE_DIR"] = current
        machine.scope.variables[f"{arguments[0]}_SOURCE_DIR"] = current
        binary = machine.read("CMAKE_CURRENT_BINARY_DIR") or BINARY
        machine.scope.variables[f"{arguments[0]}_BINARY_DIR"] = binary


def _enable_language(machine: Machine, command: Command, arguments: list[str]) -> None:
    del command
    machine.enable(arguments)


def _hipified_list(machine: Machine, command: Command, arguments: list[str]) -> None:
    """Take hipify_torch's `get_hipified_list(sources output)`: sources keep their own names."""
    del command
    if len(arguments) > 1:
        machine.assign(arguments[-1], ";".join(arguments[:-1]))


COMMANDS: dict[str, Callable[[Machine, Command, list[str]], None]] = {
    "set": _set,
    "unset": _unset,
    "option": _option,
    "cmake_dependent_option": _option,
    "list": _list,
    "string": _string,
    "math": _math,
    "get_filename_component": _filename_component,
    "cmake_path": _cmake_path,
    "include": _include,
    "add_subdirectory": _subdirectory,
    "file": file_command,
    "find_package": _find_package,
    "find_program": _unknown_first,
    "find_library": _unknown_first,
    "find_path": _unknown_first,
    "find_file": _unknown_first,
    "fetchcontent_declare": _fetch_declare,
    "fetchcontent_populate": _fetch_declare,
    "fetchcontent_getproperties": _fetch_declare,
    "execute_process": _execute_process,
    "exec_program": _execute_process,
    "check_cxx_compiler_flag": _supported,
    "check_c_compiler_flag": _supported,
    "check_compiler_flag": _supported,
    "check_language": _unknown_last,
    "check_include_file_cxx": _unknown_last,
    "check_c_source_compiles": _compiles,
    "check_cxx_source_compiles": _compiles,
    "check_source_compiles": _compiles,
    "cmake_host_system_information": _unknown_last,
    "try_compile": _unknown_first,
    "try_run": _unknown_first,
    "cmake_parse_arguments": _parse_arguments,
    "project": _project,
    "enable_language": _enable_language,
    "get_hipified_list": _hipified_list,
    **PROPERTY_COMMANDS,
    **TARGET_COMMANDS,
}
