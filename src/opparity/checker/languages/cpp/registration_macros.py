"""Macros that stand for registrations or functions: `#define SILU_PYBIND m.def("silu", &silu);`.

aiter writes all of its bindings so, in one header, and each of its modules names one macro. A body
is no C++ on its own, so it is read where a registration block, or a line outside of every function,
names it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from opparity.checker.facts.native import MacroBody, MacroUse
from opparity.checker.facts.places import Location
from opparity.checker.languages.cpp.text_scan import line_finder, with_literals

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from opparity.checker.facts.conditions import Condition
    from opparity.checker.languages.cpp.blocks import Block

# What begins with the end of the line before it is found some six times as fast as by `^`.
_DEFINE = re.compile(
    r"\n[ \t]*#[ \t]*define[ \t]+(?P<name>\w+)(?P<parameters>\([^)\n]*\))?"
    r"(?P<body>(?:[^\n]*\\\n)*[^\n]*)"
)
_REGISTERS = re.compile(r"\.\s*(?:def|impl)\s*\(")
_MAKES_BLOCK = re.compile(r"TORCH_LIBRARY|PYBIND11_MODULE|NB_MODULE|TVM_FFI_DLL_EXPORT")
# `int f_##name(int x) {`, `template void f<T>(T* x);`, `int name##_launch(int x);`
_DEFINES = re.compile(
    r"[\w>&*]\s++[&*]*+[\w:#<>, ]{1,400}+\([^;{}]{0,4000}\)"
    r"(?:const|noexcept|\\|\s)*+\{|\btemplate\b"
)
# TransformerEngine registers its types in one macro of 13,000 characters.
_LONGEST_BODY = 40_000
# A file that begins in the middle of a block: `py::class_<Layer>(m, "Layer").def(…);`.
_FRAGMENT = re.compile(
    r"(?:\s*#[^\n]*\n)*\s*(?:(?:py|pybind11|nb|nanobind)::\w+\s*<|\w+\s*\.\s*(?:def|impl)\s*\()"
)
_INCLUDED = re.compile(r'^[ \t]*#[ \t]*include[ \t]*"(?P<name>[^"\n]+)"', re.MULTILINE)
_STRING = re.compile(r'("(?:[^"\\\n]|\\.)*+"?)')
_QUOTED = re.compile(r"(?<!#)#(?!#)[ \t]*(\w+)")
_PASTED = re.compile(r"(?<!\s)\s*+##\s*+")
_NAME = re.compile(r"\b[A-Za-z_]\w*")
# A macro on its own, as a statement: `ACTIVATION_PYBIND;`, or with the library: `BIND_ALL(m)`.
_STATEMENT = re.compile(
    r"(?:^|[{;}])[ \t]*(?P<name>[A-Z][A-Z0-9_]{3,})[ \t]*(?:\((?P<arguments>[^()\n]*)\))?[ \t]*"
    r"(?=;|\}|$)",
    re.MULTILINE,
)
# The same at the margin, where it may make functions or a block; of its arguments some are calls,
# and what it ends with may be called on: `DEFINE_OPERATOR(add).set_num_inputs(2)`.
_OUTSIDE = re.compile(
    r"\n(?P<name>[A-Z][A-Z0-9_]{3,})[ \t]*"
    r"\((?P<arguments>(?:[^(){};]|\([^(){};]*\)){0,600})\)(?=[ \t]*;?[ \t]*$|\s*\.\s*\w)",
    re.MULTILINE,
)


def macro_bodies(
    path: str, text: str, condition_at: Callable[[int], Condition]
) -> Iterator[MacroBody]:
    """Yield the macros of a file whose bodies register something, or make functions."""
    if "define" not in text:
        return
    for found in _DEFINE.finditer("\n" + text):
        body = found["body"]
        if len(body) > _LONGEST_BODY:
            continue
        registers, makes_block = _REGISTERS.search(body), _MAKES_BLOCK.search(body)
        defines = found["parameters"] and ("{" in body or "template" in body)
        if registers or makes_block or (defines and _DEFINES.search(body)):
            line = text.count("\n", 0, found.start()) + 1
            plain = body.replace("\\\n", " \n")
            parameters = separated((found["parameters"] or "")[1:-1])
            place = Location(path, line)
            yield MacroBody(
                found["name"],
                parameters,
                plain,
                place,
                condition_at(line),
                makes_block=bool(makes_block or not registers),
            )


def fragment(path: str, clean: str, text: str) -> tuple[MacroBody, ...]:
    """Return a file that registration blocks include, as a macro by the file's name."""
    if not _FRAGMENT.match(clean) or len(text) > _LONGEST_BODY:
        return ()
    return (MacroBody(path.rpartition("/")[2], (), with_literals(text), Location(path, 1)),)


def takes_the_block_alone(parameters: str, body: str) -> bool:
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
    """Yield the macros that stand as statements in a registration block, and included files."""
    uses = [
        *((each, each["name"], each["arguments"] or "") for each in _STATEMENT.finditer(text)),
        *((each, each["name"].rpartition("/")[2], "") for each in _INCLUDED.finditer(text)),
    ]
    for found, name, arguments in uses:
        at = line + text.count("\n", 0, found.start("name"))
        yield MacroUse(
            name,
            separated(arguments),
            Location(path, at),
            block.variable,
            block.library,
            block.key,
            block.style,
            condition_at(at),
        )


def macros_outside(
    path: str, clean: str, text: str, condition_at: Callable[[int], Condition]
) -> Iterator[MacroUse]:
    """Yield the macros that stand outside of every function; `clean` has no literals."""
    if not _OUTSIDE.search("\n" + clean):
        return
    written = with_literals(text)
    line_of = line_finder(written)
    for found in _OUTSIDE.finditer("\n" + written):
        line = line_of(found.start())
        given = separated(found["arguments"])
        place = Location(path, line)
        yield MacroUse(found["name"], given, place, "", "", "", "", condition_at(line))


def separated(text: str) -> tuple[str, ...]:
    """Return the parts between commas that stand in no bracket."""
    parts, depth = [""], 0
    for character in text:
        depth += (character in "([{") - (character in ")]}")
        if character == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += character
    return tuple(part.strip() for part in parts if part.strip())


def substituted(body: MacroBody, arguments: tuple[str, ...]) -> str:
    """Return a macro's body with its arguments in place, as the preprocessor would put them."""
    given = dict(zip(body.parameters, arguments, strict=False))
    if body.parameters[-1:] == ("...",):
        given["__VA_ARGS__"] = ", ".join(arguments[len(body.parameters) - 1 :])
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
