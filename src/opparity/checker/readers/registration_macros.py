"""Registrations that stand in a macro: `#define ACTIVATION_PYBIND m.def("silu", &silu);`.

aiter writes all of its bindings so, in one header, and each of its modules names one macro. A body
is no C++ on its own, so it is read where a registration block names it.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from opparity.checker.conditions import conjunction
from opparity.checker.facts import Location, MacroBody, MacroUse, NativeFile, Registration
from opparity.checker.readers.registrations import Block, read_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from opparity.checker.conditions import Condition

_DEFINE = re.compile(
    r"^[ \t]*#[ \t]*define[ \t]+(?P<name>\w+)(?P<parameters>\([^)\n]*\))?"
    r"(?P<body>(?:[^\n]*\\\n)*[^\n]*)",
    re.MULTILINE,
)
_REGISTERS = re.compile(r"\.\s*(?:def|impl)\s*\(")
# A macro on its own, as a statement: `ACTIVATION_PYBIND;`, or with the library: `BIND_ALL(m)`.
_STATEMENT = re.compile(
    r"(?:^|[{;}])[ \t]*(?P<name>[A-Z][A-Z0-9_]{3,})[ \t]*(?:\([ \t]*\w+[ \t]*\))?[ \t]*(?=;|\}|$)",
    re.MULTILINE,
)


def macro_bodies(
    path: str, text: str, condition_at: Callable[[int], Condition]
) -> Iterator[MacroBody]:
    """Yield the macros of a file whose bodies register something."""
    if "define" not in text or not _REGISTERS.search(text):
        return
    for found in _DEFINE.finditer(text):
        body = found["body"]
        if _REGISTERS.search(body):
            line = text.count("\n", 0, found.start()) + 1
            plain = body.replace("\\\n", " \n")
            yield MacroBody(found["name"], plain, Location(path, line), condition_at(line))


def macro_uses(block: Block, text: str, line: int) -> Iterator[tuple[str, int, Block]]:
    """Yield the macros that stand as statements in a registration block, each with its line."""
    for found in _STATEMENT.finditer(text):
        yield found["name"], line + text.count("\n", 0, found.start("name")), block


def with_macros(files: Mapping[str, NativeFile]) -> dict[str, NativeFile]:
    """Return the files, each registration block with what its macros register."""
    bodies: dict[str, list[MacroBody]] = {}
    for file in files.values():
        for body in file.macro_bodies:
            bodies.setdefault(body.name, []).append(body)
    known: dict[tuple[MacroBody, Block], list[Registration]] = {}
    found: dict[str, NativeFile] = {}
    for path, file in files.items():
        more = [each for use in file.macro_uses for each in _expanded(use, file, bodies, known)]
        found[path] = replace(file, registrations=(*file.registrations, *more)) if more else file
    return found


def _expanded(
    use: MacroUse,
    file: NativeFile,
    bodies: Mapping[str, list[MacroBody]],
    known: dict[tuple[MacroBody, Block], list[Registration]],
) -> Iterator[Registration]:
    block = Block(use.variable, use.library, use.key, use.style)
    for body in _visible(bodies.get(use.name, []), file):
        if (body, block) not in known:
            known[body, block] = read_text(block, body.text, body.location)
        for registration in known[body, block]:
            condition = conjunction(use.condition, body.condition)
            yield replace(registration, condition=condition)


def _visible(bodies: list[MacroBody], file: NativeFile) -> list[MacroBody]:
    """Return the bodies in files that a file includes by name; all, where it includes none."""
    names = {include.path.rpartition("/")[2] for include in file.includes}
    near = [
        body
        for body in bodies
        if body.location.path == file.path or body.location.path.rpartition("/")[2] in names
    ]
    return near or bodies
