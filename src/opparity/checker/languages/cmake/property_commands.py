"""The commands that set and ask for properties."""

from __future__ import annotations

from itertools import zip_longest
from typing import TYPE_CHECKING

from opparity.checker.languages.cmake.configuration import SOURCE
from opparity.checker.languages.cmake.values import UNKNOWN, joined, split_list

if TYPE_CHECKING:
    from collections.abc import Callable

    from opparity.checker.languages.cmake.machine import Machine
    from opparity.checker.languages.cmake.syntax import Command


def _set_property(machine: Machine, command: Command, arguments: list[str]) -> None:
    if "PROPERTY" not in arguments or not arguments:
        return
    at = arguments.index("PROPERTY")
    kind, subjects = arguments[0], arguments[1:at]
    is_append = "APPEND" in subjects or "APPEND_STRING" in subjects
    subjects = [s for s in subjects if s not in {"APPEND", "APPEND_STRING"}]
    name, *values = [*arguments[at + 1 :], ""][:1] + arguments[at + 2 :]
    value = ";".join(values)
    if kind == "GLOBAL":
        old = machine.global_properties.get(name, "")
        parts = [old, value] if is_append and old else [value]
        machine.global_properties[name] = joined(";", parts)
    elif kind == "SOURCE":
        _source_property(machine, command, subjects, name, value)
    elif kind == "TARGET":
        for target in subjects:
            _target_property(machine, command, target, name, value)
    elif kind == "DIRECTORY":
        _directory_property(machine, command, name, value)


def _directory_property(machine: Machine, command: Command, name: str, value: str) -> None:
    if name == "COMPILE_DEFINITIONS":
        machine.directory.definitions.append((machine.mark(value), command.location))
    elif name == "COMPILE_OPTIONS":
        machine.directory.options.append((machine.mark(value), command.location))


def _set_directory_properties(machine: Machine, command: Command, arguments: list[str]) -> None:
    pairs = arguments[1:] if arguments[:1] == ["PROPERTIES"] else []
    for name, value in zip(pairs[::2], pairs[1::2], strict=False):
        _directory_property(machine, command, name, value)


def _source_property(
    machine: Machine, command: Command, subjects: list[str], name: str, value: str
) -> None:
    properties = machine.source_properties
    for subject in subjects:
        machine.steps.count()
        path = machine.resolve_source(subject)
        if path is None:
            continue
        if name == "COMPILE_DEFINITIONS":
            properties.definitions.append((path, value, command.location))
        elif name in {"COMPILE_OPTIONS", "COMPILE_FLAGS"}:
            properties.options.append((path, value, command.location))
        elif name == "LANGUAGE":
            properties.languages.add(path)


def _target_property(
    machine: Machine, command: Command, target: str, name: str, value: str
) -> None:
    state = machine.targets.get(target)
    machine.steps.count()
    if state is None:
        return
    texts = {
        "COMPILE_DEFINITIONS": state.definitions,
        "COMPILE_OPTIONS": state.options,
        "COMPILE_FLAGS": state.options,
        "INTERFACE_COMPILE_DEFINITIONS": state.shared.definitions,
        "INTERFACE_COMPILE_OPTIONS": state.shared.options,
    }
    if name in texts:
        texts[name].append((machine.mark(value), command.location))
    elif name == "INTERFACE_LINK_LIBRARIES":
        state.shared.links.extend(split_list(value))
    elif name == "LINK_LIBRARIES":
        state.links.extend(split_list(value))
    elif name == "SOURCES":
        parts = [machine.absolute(machine.mark(part)) for part in split_list(value)]
        state.listed += [(part, command.location) for part in parts]
    elif name in {"OUTPUT_NAME", "LIBRARY_OUTPUT_NAME"}:
        state.output = UNKNOWN if machine.doubt else value
    elif name in {"CXX_VISIBILITY_PRESET", "CUDA_VISIBILITY_PRESET"}:
        state.options.append((f"-fvisibility={value}", command.location))


def _set_source_properties(machine: Machine, command: Command, arguments: list[str]) -> None:
    if "PROPERTIES" in arguments:
        at = arguments.index("PROPERTIES")
        pairs = arguments[at + 1 :]
        for name, value in zip(pairs[::2], pairs[1::2], strict=False):
            _source_property(machine, command, arguments[:at], name, value)


def _set_target_properties(machine: Machine, command: Command, arguments: list[str]) -> None:
    if "PROPERTIES" in arguments:
        at = arguments.index("PROPERTIES")
        pairs = arguments[at + 1 :]
        for target in arguments[:at]:
            # A variable that nothing here sets leaves a property without its value.
            for name, value in zip_longest(pairs[::2], pairs[1::2], fillvalue=UNKNOWN):
                if name.startswith("IMPORTED_LOCATION") and value.startswith(SOURCE):
                    machine.bundled.add(target)
                _target_property(machine, command, target, name, value)


def _get_property(machine: Machine, command: Command, arguments: list[str]) -> None:
    del command
    if len(arguments) > 3 and arguments[3] == "ENABLED_LANGUAGES":  # noqa: PLR2004
        gpu = machine.platform.language
        machine.assign(arguments[0], f"C;CXX;{gpu}" if gpu in {"CUDA", "HIP"} else "C;CXX")
    elif len(arguments) > 3 and arguments[1] == "GLOBAL":  # noqa: PLR2004
        machine.assign(arguments[0], machine.global_properties.get(arguments[3], ""))
    elif arguments:
        machine.assign(arguments[0], UNKNOWN)


def _get_target_property(machine: Machine, command: Command, arguments: list[str]) -> None:
    del command
    if len(arguments) < 3:  # noqa: PLR2004
        return
    output, target, name = arguments[:3]
    state = machine.targets.get(target)
    known = state is not None and name == "SOURCES"
    value = ";".join(text for text, _ in state.listed) if known and state else UNKNOWN
    machine.assign(output, value)


PROPERTY_COMMANDS: dict[str, Callable[[Machine, Command, list[str]], None]] = {
    "set_property": _set_property,
    "get_property": _get_property,
    "get_target_property": _get_target_property,
    "set_source_files_properties": _set_source_properties,
    "set_target_properties": _set_target_properties,
    "set_directory_properties": _set_directory_properties,
}
