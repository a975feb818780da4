"""The commands that make targets and give them sources, definitions and options."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from opparity.checker.facts.conditions import Truth
from opparity.checker.languages.cmake.targets import TargetState
from opparity.checker.languages.cmake.values import UNKNOWN, split_list

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from opparity.checker.facts.places import Location
    from opparity.checker.languages.cmake.machine import Machine
    from opparity.checker.languages.cmake.syntax import Command

_KINDS = {
    "STATIC": "static",
    "SHARED": "shared",
    "MODULE": "module",
    "OBJECT": "object",
    "INTERFACE": "interface",
    "UNKNOWN": "imported",
}
_SCOPES = frozenset({"PRIVATE", "PUBLIC", "INTERFACE", "BEFORE", "AFTER"})
_LINK_EXPRESSION = re.compile(
    r"\$<(?:(?:TARGET_OBJECTS|BUILD_INTERFACE|BUILD_LOCAL_INTERFACE|LINK_ONLY):(?P<one>[^<>]+)"
    r"|LINK_(?:LIBRARY|GROUP):\w+,(?P<several>[^<>]+))>"
)
_FLAG_WORD = re.compile(r"^[A-Z][A-Z0-9_]*$")


def _add_library(machine: Machine, command: Command, arguments: list[str]) -> None:
    if not arguments:
        return
    name, *rest = arguments
    if rest[:1] == ["ALIAS"]:
        machine.aliases[name] = rest[1] if len(rest) > 1 else ""
        return
    if "IMPORTED" in rest:
        machine.aliases[name] = ""
        return
    kind = _KINDS.get(rest[0], "library") if rest else "library"
    sources = rest[1:] if rest and rest[0] in _KINDS else rest
    _make(machine, command, name, kind, sources)


def _add_executable(machine: Machine, command: Command, arguments: list[str]) -> None:
    if arguments and "IMPORTED" not in arguments:
        _make(machine, command, arguments[0], "executable", arguments[1:])


def _add_module(machine: Machine, command: Command, arguments: list[str]) -> None:
    """Take `Python_add_library`, `pybind11_add_module` and their like, which have many flags."""
    if arguments:
        if command.name == "cuda_add_library":
            machine.enable(["CUDA"])  # it compiles kernels by itself
        kind = "module"
        for word in arguments[1:3]:
            kind = _KINDS.get(word, kind)
        sources = [
            part
            for value in arguments[1:]
            for part in split_list(value)
            if not _FLAG_WORD.match(part) and not part.replace(".", "").isdigit()
        ]
        _make(machine, command, arguments[0], kind, sources)


def _make(machine: Machine, command: Command, name: str, kind: str, sources: list[str]) -> None:
    state = TargetState(name, kind, command.location)
    state.built = Truth.UNKNOWN if machine.doubt else Truth.TRUE
    state.directory = machine.directory
    visibility = machine.read("CMAKE_CXX_VISIBILITY_PRESET")
    if visibility:
        state.options.append((f"-fvisibility={visibility}", command.location))
    machine.targets.setdefault(name, state)
    machine.made.add(name)
    _add_sources(machine, command, machine.targets[name], sources)


def _add_sources(
    machine: Machine, command: Command, state: TargetState, sources: list[str]
) -> None:
    for value in sources:
        for part in split_list(value):
            place = machine.places.get(part, command.location)
            whole = part
            if state.built is Truth.TRUE:
                whole = machine.mark(part)
            state.listed.append((machine.absolute(whole), place))


def _scoped(arguments: list[str]) -> Iterator[tuple[bool, bool, str]]:
    """Yield each argument with whether it is for the target, and for whatever links it."""
    scope = ""
    for argument in arguments:
        if argument in _SCOPES:
            scope = argument if argument not in {"BEFORE", "AFTER"} else scope
        else:
            yield scope != "INTERFACE", scope in {"INTERFACE", "PUBLIC"}, argument


def _target_sources(machine: Machine, command: Command, arguments: list[str]) -> None:
    state = machine.target(arguments[0]) if arguments else None
    if state is None:
        return
    given = list(_scoped(arguments[1:]))
    _add_sources(machine, command, state, [each for is_own, _, each in given if is_own])
    for value in (each for _, is_shared, each in given if is_shared):
        for part in split_list(value):
            place = machine.places.get(part, command.location)
            state.shared.listed.append((machine.absolute(machine.mark(part)), place))


def _target_definitions(machine: Machine, command: Command, arguments: list[str]) -> None:
    state = machine.target(arguments[0]) if arguments else None
    if state is not None:
        _give(machine, command, arguments, state.definitions, state.shared.definitions)


def _target_options(machine: Machine, command: Command, arguments: list[str]) -> None:
    state = machine.target(arguments[0]) if arguments else None
    if state is not None:
        _give(machine, command, arguments, state.options, state.shared.options)


def _give(
    machine: Machine,
    command: Command,
    arguments: list[str],
    own: list[tuple[str, Location]],
    shared: list[tuple[str, Location]],
) -> None:
    """Add arguments to a target's properties, to those for whatever links it, or to both."""
    given = list(_scoped(arguments[1:]))
    for_itself = [each for is_own, _, each in given if is_own]
    for_others = [each for _, is_shared, each in given if is_shared]
    if for_itself:
        own.append((machine.mark(";".join(for_itself)), command.location))
    if for_others:
        shared.append((machine.mark(";".join(for_others)), command.location))


def _target_links(machine: Machine, command: Command, arguments: list[str]) -> None:
    state = machine.target(arguments[0]) if arguments else None
    if state is None:
        return
    for is_own, is_shared, value in _scoped_links(arguments[1:]):
        for linked in (each for part in split_list(value) for each in _linked(part)):
            name = machine.aliases.get(linked) or linked
            # By its path in the tree, as torch_npu links libhccl.so: made of what is not told.
            if name in machine.bundled or (name.endswith((".a", ".so")) and machine.inside(name)):
                state.listed.append((UNKNOWN, command.location))
            if is_own:
                state.links.append(name)
            if is_shared:
                state.shared.links.append(name)


def _scoped_links(arguments: list[str]) -> Iterator[tuple[bool, bool, str]]:
    """Yield each library with whether the target links it, and whatever links the target.

    Without a scope it is both; LINK_PUBLIC and its kind are older words.
    """
    older = {
        "LINK_PUBLIC": "PUBLIC",
        "LINK_PRIVATE": "PRIVATE",
        "LINK_INTERFACE_LIBRARIES": "INTERFACE",
    }
    scope = ""
    for argument in arguments:
        word = older.get(argument, argument)
        if word in _SCOPES:
            scope = word
        elif argument not in {"debug", "optimized", "general"}:
            yield scope != "INTERFACE", scope != "PRIVATE", argument


def _linked(text: str) -> list[str]:
    """Return the libraries that an argument names: `$<LINK_LIBRARY:WHOLE_ARCHIVE,models>` too."""
    found = _LINK_EXPRESSION.fullmatch(text)
    if found is None:
        return [text]
    names = (found["one"] or found["several"]).split(",")
    return [name.strip() for name in names if name.strip()]


def _directory_definitions(machine: Machine, command: Command, arguments: list[str]) -> None:
    flags = [flag for flag in arguments if flag.startswith(("-D", "/D", "-U"))]
    others = [flag for flag in arguments if flag not in flags]
    _directory(machine, command.location, ";".join(flags), ";".join(others), command.name)


def _directory(machine: Machine, location: Location, flags: str, others: str, name: str) -> None:
    if flags:
        machine.directory.options.append((machine.mark(flags), location))
    if others and name == "add_compile_definitions":
        machine.directory.definitions.append((machine.mark(others), location))


def _directory_options(machine: Machine, command: Command, arguments: list[str]) -> None:
    machine.directory.options.append((machine.mark(";".join(arguments)), command.location))


TARGET_COMMANDS: dict[str, Callable[[Machine, Command, list[str]], None]] = {
    "add_library": _add_library,
    "add_executable": _add_executable,
    "python_add_library": _add_module,
    "python3_add_library": _add_module,
    "python_add_module": _add_module,
    "python3_add_module": _add_module,
    "pybind11_add_module": _add_module,
    "nanobind_add_module": _add_module,
    "cuda_add_library": _add_module,
    "hip_add_library": _add_module,
    "torch_add_library": _add_module,
    "target_sources": _target_sources,
    "target_compile_definitions": _target_definitions,
    "target_compile_options": _target_options,
    "target_link_libraries": _target_links,
    "add_definitions": _directory_definitions,
    "add_compile_definitions": _directory_definitions,
    "add_compile_options": _directory_options,
}
