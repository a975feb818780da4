"""Registrations that stand in a macro: `#define ACTIVATION_PYBIND m.def("silu", &silu);`.

aiter writes all of its bindings so, in one header, and each of its modules names one macro. A body
is no C++ on its own, so it is read where a registration block names it.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from opparity.checker.facts.conditions import conjunction
from opparity.checker.facts.native import MacroBody, MacroUse, NativeFile, Registration
from opparity.checker.facts.places import Location
from opparity.checker.languages.cpp.registrations import Block, read_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from opparity.checker.facts.conditions import Condition

_DEFINE = re.compile(
    r"^[ \t]*#[ \t]*define[ \t]+(?P<name>\w+)(?P<parameters>\([^)\n]*\))?"
    r"(?P<body>(?:[^\n]*\\\n)*[^\n]*)",
    re.MULTILINE,
)
_REGISTERS = re.compile(r"\.\s*(?:def|impl)\s*\(")
_STRING = re.compile(r'("(?:[^"\\\n]|\\.)*")')
_QUOTED = re.compile(r"(?<!#)#(?!#)[ \t]*(\w+)")
_PASTED = re.compile(r"\s*##\s*")
_NAME = re.compile(r"\b[A-Za-z_]\w*")
# A macro on its own, as a statement: `ACTIVATION_PYBIND;`, or with the library: `BIND_ALL(m)`.
_STATEMENT = re.compile(
    r"(?:^|[{;}])[ \t]*(?P<name>[A-Z][A-Z0-9_]{3,})[ \t]*(?:\((?P<arguments>[^()\n]*)\))?[ \t]*"
    r"(?=;|\}|$)",
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
            parameters = _separated((found["parameters"] or "")[1:-1])
            place = Location(path, line)
            yield MacroBody(found["name"], parameters, plain, place, condition_at(line))


def _takes_the_block_alone(parameters: str, body: str) -> bool:
    """Return whether a macro has no parameter but the library.

    Others are expanded by macro_expansion.py where their own file uses them.
    """
    name = parameters.strip("() \t")
    receiver = rf"(?<![#&\w]){re.escape(name)}\s*\.\s*(?:def|impl)\b"
    uses = re.findall(rf"\b{re.escape(name)}\b", body) if name else []
    return not name or (name.isidentifier() and len(re.findall(receiver, body)) == len(uses))


def macro_uses(
    block: Block, path: str, text: str, line: int, condition_at: Callable[[int], Condition]
) -> Iterator[MacroUse]:
    """Yield the macros that stand as statements in a registration block."""
    for found in _STATEMENT.finditer(text):
        at = line + text.count("\n", 0, found.start("name"))
        yield MacroUse(
            found["name"],
            _separated(found["arguments"] or ""),
            Location(path, at),
            block.variable,
            block.library,
            block.key,
            block.style,
            condition_at(at),
        )


def _separated(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


def with_macros(files: Mapping[str, NativeFile]) -> dict[str, NativeFile]:
    """Return the files, each registration block with what its macros register."""
    bodies: dict[str, list[MacroBody]] = {}
    for file in files.values():
        for body in file.macro_bodies:
            bodies.setdefault(body.name, []).append(body)
    known: dict[tuple[MacroBody, Block, tuple[str, ...]], list[Registration]] = {}
    found: dict[str, NativeFile] = {}
    for path, file in files.items():
        more = [each for use in file.macro_uses for each in _expanded(use, file, bodies, known)]
        found[path] = replace(file, registrations=(*file.registrations, *more)) if more else file
    return found


def _expanded(
    use: MacroUse,
    file: NativeFile,
    bodies: Mapping[str, list[MacroBody]],
    known: dict[tuple[MacroBody, Block, tuple[str, ...]], list[Registration]],
) -> Iterator[Registration]:
    block = Block(use.variable, use.library, use.key, use.style)
    for body in _visible(bodies.get(use.name, []), file):
        is_alone = _takes_the_block_alone(", ".join(body.parameters), body.text)
        if body.location.path == file.path and not is_alone:
            continue
        key = (body, block, use.arguments)
        if key not in known:
            known[key] = read_text(block, _substituted(body, use.arguments), body.location)
        for registration in known[key]:
            condition = conjunction(use.condition, body.condition)
            yield replace(registration, condition=condition)


def _substituted(body: MacroBody, arguments: tuple[str, ...]) -> str:
    """Return a macro's body with its arguments in place, as the preprocessor would put them."""
    given = dict(zip(body.parameters, arguments, strict=False))
    parts = _STRING.split(body.text)
    for index in range(0, len(parts), 2):  # between them, the strings stay as they are
        quoted = _QUOTED.sub(
            lambda found: f'"{given[found[1]]}"' if found[1] in given else found[0], parts[index]
        )
        outside = _STRING.split(quoted)
        outside[::2] = [
            _PASTED.sub("", _NAME.sub(lambda found: given.get(found[0], found[0]), text))
            for text in outside[::2]
        ]
        parts[index] = "".join(outside)
    return "".join(parts)


def _visible(bodies: list[MacroBody], file: NativeFile) -> list[MacroBody]:
    """Return the bodies in files that a file includes by name; all, where it includes none."""
    names = {include.path.rpartition("/")[2] for include in file.includes}
    near = [
        body
        for body in bodies
        if body.location.path == file.path or body.location.path.rpartition("/")[2] in names
    ]
    return near or bodies
