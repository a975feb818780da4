"""CMake's file command: what the tree's files are and hold."""

from __future__ import annotations

import posixpath
import re
import sys
from bisect import bisect_left
from functools import lru_cache
from typing import TYPE_CHECKING

from opparity.checker.languages.cmake.configuration import SOURCE
from opparity.checker.languages.cmake.text_commands import filename_component
from opparity.checker.languages.cmake.values import UNKNOWN, compile_regex, is_true_constant
from opparity.checker.languages.interpreting import charge_text

if TYPE_CHECKING:
    from opparity.checker.languages.cmake.machine import Machine
    from opparity.checker.languages.cmake.syntax import Command

# So many files are compared with a pattern in about the time of two steps.
_FILES_A_STEP = 200
_GLOB_PART = re.compile(r"\?|\[([!^]?)(\]?[^\]/]*)\]|.", re.DOTALL)
_WILDCARD = re.compile(r"[*?\[]")


def file_command(machine: Machine, command: Command, arguments: list[str]) -> None:
    """Run `file`."""
    del command
    match arguments:
        case ["GLOB" | "GLOB_RECURSE" as mode, output, *rest]:
            machine.assign(output, _glob(machine, mode, rest))
        case ["READ" | "STRINGS" as mode, path, output, *rest]:
            machine.assign(output, content_of(machine, mode, path, rest))
        case ["REAL_PATH", path, output, *_]:
            base = machine.read("CMAKE_CURRENT_SOURCE_DIR")
            machine.assign(output, filename_component(path, "ABSOLUTE", base))
        case ["RELATIVE_PATH", output, base, path, *_]:
            machine.assign(output, posixpath.relpath(path or "/", base or "/"))
        case ["TO_CMAKE_PATH" | "TO_NATIVE_PATH", path, output, *_]:
            machine.assign(output, path)
        case _:
            pass


def content_of(machine: Machine, mode: str, path: str, options: list[str]) -> str:
    """Return what a file of the tree has: as a whole, or its lines as a list."""
    if path == "/proc/cpuinfo":
        return machine.processor_text()
    inside = machine.inside(path)
    text = machine.text_of(inside) if inside is not None else None
    if text is None or "OFFSET" in options or "LIMIT" in options:
        return UNKNOWN
    machine.steps.count(len(text) // 1000)
    if mode == "READ":
        return text
    lines = [line.replace(";", "\\;") for line in text.splitlines()]
    if "REGEX" in options:
        following = options[options.index("REGEX") + 1 :]
        compiled = compile_regex(following[0]) if following else None
        if compiled is None:
            return UNKNOWN
        charge_text(10 * len(text))
        lines = [line for line in lines if compiled.search(line)]
    return ";".join(lines)


def _glob(machine: Machine, mode: str, arguments: list[str]) -> str:
    arguments = [argument for argument in arguments if argument != "CONFIGURE_DEPENDS"]
    relative, is_recursive = "", mode == "GLOB_RECURSE"
    has_folders = not is_recursive
    if arguments[:1] == ["LIST_DIRECTORIES"] and len(arguments) > 1:
        has_folders, arguments = is_true_constant(arguments[1]), arguments[2:]
    if arguments[:1] == ["RELATIVE"] and len(arguments) > 1:
        relative, arguments = arguments[1], arguments[2:]
    found: list[str] = []
    for pattern in arguments:
        inside = machine.inside(pattern)
        if inside is None:
            found.append(UNKNOWN)
            continue
        folder, _, name = inside.rpartition("/")
        for paths in (machine.files, machine.folders)[: 1 + has_folders]:
            machine.steps.count(len(paths) // _FILES_A_STEP)
            matches = _matching(paths, folder, name, is_recursive=is_recursive)
            found.extend(f"{SOURCE}/{path}" for path in matches)
    if relative:
        found = [path if path == UNKNOWN else posixpath.relpath(path, relative) for path in found]
    return ";".join(sorted(set(found)))


@lru_cache(maxsize=4000)  # the same for each option; vllm-ascend has 1,287
def _matching(
    files: frozenset[str], folder: str, name: str, *, is_recursive: bool
) -> tuple[str, ...]:
    expression = _glob_expression(folder, name, is_recursive=is_recursive)
    ordered = _in_order(files)
    # Up to its first wildcard a pattern is the beginning of what it matches.
    start = _WILDCARD.split(f"{folder}/" if folder not in {"", "."} else "", maxsplit=1)[0]
    first = bisect_left(ordered, start)
    last = bisect_left(ordered, start + chr(sys.maxunicode), first)
    return tuple(filter(expression.fullmatch, ordered[first:last]))


@lru_cache(maxsize=8)
def _in_order(paths: frozenset[str]) -> tuple[str, ...]:
    return tuple(sorted(paths))


def _glob_expression(folder: str, name: str, *, is_recursive: bool) -> re.Pattern[str]:
    between = "(?:.*/)?" if is_recursive else ""
    start = f"{_wildcards(folder)}/" if folder and folder != "." else ""
    return re.compile(start + between + _wildcards(name))


def _wildcards(text: str) -> str:
    """Return an expression for a pattern that takes linear time for each part of a path.

    What stands between two stars is looked for where it is first found, and never further.
    """
    return "/".join(map(_part, text.split("/")))


def _part(text: str) -> str:
    first, *others = map(_piece, re.split(r"\*+", text))
    if not others:
        return first
    *between, last = others
    return "".join([first, *(f"(?>[^/]*?{piece})" for piece in between), "[^/]*", last])


def _piece(text: str) -> str:
    """Return an expression for text with question marks and classes, such as `[ab]`."""
    return "".join(
        "[^/]"
        if found[0] == "?"
        else f"(?![/])[{'^' if found[1] else ''}{_escaped(found[2])}]"
        if found[2]
        else re.escape(found[0])
        for found in _GLOB_PART.finditer(text)
    )


def _escaped(members: str) -> str:
    """Return a class's members; ranges keep their hyphen."""
    return re.sub(r"[\\\[\]^&~|]", r"\\\g<0>", members)
