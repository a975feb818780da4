"""Function-like macros of a file, expanded where they register operators."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from opparity.checker.languages.cpp.parameters import split_arguments

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from opparity.checker.facts.native import MacroDefinition

_REGISTERS = re.compile(r"\.\s*(?:def|impl)\s*\(|TORCH_LIBRARY")
# `(m) m.def(…)`
_LIBRARY = re.compile(r"\(\s*(\w+)\s*\)[\s\\]*\1\s*\.(?![^;]*[#&]\s*\1\b)")
_HEAD = re.compile(r"\(([^()]*)\)(.*)", re.DOTALL)
# A schema, at most; a body may have each of its arguments hundreds of times.
_LONGEST_ARGUMENTS = 4000
# Stands for `##` while the parameters beside it are replaced as words of their own.
_PASTED = "\ue000"
_WORD = re.compile(r"(#?)\b([A-Za-z_]\w*)\b")


def registering_macros(macros: Iterable[MacroDefinition]) -> dict[str, str]:
    """Return the values of the function-like macros that may register, by name.

    One whose only parameter is the library registers the same wherever it stands, and is left to
    registration_macros.py.
    """
    return {
        macro.name: macro.value
        for macro in macros
        if macro.is_function and _REGISTERS.search(macro.value) and not _LIBRARY.match(macro.value)
    }


def expand_macro(value: str, arguments: Sequence[str]) -> str:
    """Return a macro's body with its parameters replaced; "" where the arguments do not fit."""
    found = _HEAD.match(value)
    if not found or sum(map(len, arguments)) > _LONGEST_ARGUMENTS:
        return ""
    parameters = split_arguments(found.group(1))
    if parameters[-1:] == ("...",):
        *named, _ = parameters
        rest = ", ".join(arguments[len(named) :])
        given: Mapping[str, str] = {
            **dict(zip(named, arguments, strict=False)),
            "__VA_ARGS__": rest,
        }
    elif len(parameters) == len(arguments):
        given = dict(zip(parameters, arguments, strict=True))
    else:
        return ""

    def replace(word: re.Match[str]) -> str:
        text = given.get(word.group(2))
        if text is None:
            return word.group()
        return f'"{text}"' if word.group(1) else text

    body = re.sub(r"\\\s*\n", " ", found.group(2))
    pasted = re.sub(r"(?<!\s)\s*+##\s*+", _PASTED, body)
    return _WORD.sub(replace, pasted).replace(_PASTED, "")


def expanded_blocks(text: str, macros: Mapping[str, str]) -> Iterator[tuple[int, str]]:
    """Yield the offset and the expansion of each macro that stands alone and makes a block."""
    names = [name for name, value in macros.items() if "TORCH_LIBRARY" in value]
    if not names:
        return
    alternatives = "|".join(re.escape(name) for name in sorted(names))
    for found in re.finditer(
        rf"^[ \t]*({alternatives})\(([^;{{}}()]{{0,2000}})\)", text, re.MULTILINE
    ):
        expanded = expand_macro(macros[found.group(1)], split_arguments(found.group(2)))
        if expanded:
            yield found.start(1), expanded
