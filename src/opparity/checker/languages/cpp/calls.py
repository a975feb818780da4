"""The uses of functions in a file: calls, launches and addresses, in one walk over its text."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING

from opparity.checker.facts.native import Reference
from opparity.checker.facts.places import Location
from opparity.checker.languages.cpp.functions import split_arguments
from opparity.checker.languages.cpp.text_scan import enclosing_finder, in_directive

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from opparity.checker.facts.conditions import Condition
    from opparity.checker.facts.native import Definition

# A name that is called, called with template arguments or launched; `i < n` compares.
_CALLED = re.compile(r"\b(?<![.>])([A-Za-z_]\w*+)\s*+(?:\(|(<)(?! ))")
# `Tensor& x` and `a & b` have a space there. With the above in one expression: twice the time.
_ADDRESS = re.compile(r"&(?<!&&)(?![&=\s])(?:\w++\s*+::\s*+)*+([A-Za-z_]\w*+)(?!\s*+::)")
_QUALIFIER = re.compile(r"(?:\w++\s*+::\s*+)++\Z")
_LONGEST_QUALIFIER = 200
_WORD = re.compile(r"\w+")
# What stands before `&` where it makes a type a reference: `Tensor &x`, `vector<int> &x`.
_OF_A_TYPE = re.compile(r"(?<!\breturn)(?<=[\w>*\]])\s*\Z")
_NEVER_FUNCTIONS = frozenset(
    {"if", "for", "while", "switch", "catch", "return", "sizeof", "alignof", "decltype", "defined"}
    | {"static_cast", "reinterpret_cast", "const_cast", "dynamic_cast", "template", "typename"}
    | {"alignas", "noexcept", "static_assert", "operator", "throw", "new", "delete", "typeid"}
)
# The longest argument list of vLLM, flashinfer and flash-attention has 600 characters.
_LONGEST_LIST = 4000


@dataclass(frozen=True, slots=True)
class Calls:
    """Every name that is used as a function anywhere, and the uses inside of functions."""

    names: frozenset[str]
    references: tuple[Reference, ...]


def read_calls(
    path: str,
    clean: str,
    line_of: Callable[[int], int],
    condition_at: Callable[[int], Condition],
    definitions: Iterable[Definition],
) -> Calls:
    """Return the uses in a text without comments, each once per condition and function."""
    names: set[str] = set()
    found: dict[tuple[object, ...], Reference] = {}
    enclosing = enclosing_finder(definitions)
    for use in chain(_CALLED.finditer(clean), _addresses(clean)):
        name, start = use[1], use.start(1)
        if name in _NEVER_FUNCTIONS:
            continue
        names.add(name)
        line = line_of(start)
        around = enclosing(line)
        if around is None:
            continue  # a prototype, for one
        qualifier = _qualifier(clean, start)
        if around.signature.name == name and _is_own(qualifier, around.signature.namespace):
            continue  # the head of the definition itself
        is_plain = not (around.is_template or around.is_inline)
        has_list = use.re is _CALLED and use[2] and is_plain
        arguments = _arguments(clean, use.end()) if has_list else ()
        condition = condition_at(line)
        # By identity: the same region of a file and the same function have one object each.
        key = (name, id(condition), id(around), qualifier, arguments)
        if key not in found and not in_directive(clean, start):
            found[key] = Reference(
                name,
                Location(path, line),
                condition,
                inside=around.signature.qualified,
                is_in_template=around.is_template,
                is_in_inline=around.is_inline,
                qualifier=qualifier,
                arguments=arguments,
            )
    return Calls(frozenset(names), tuple(found.values()))


def _addresses(clean: str) -> Iterator[re.Match[str]]:
    for found in _ADDRESS.finditer(clean):
        start = found.start()
        if not _OF_A_TYPE.search(clean, max(0, start - _LONGEST_QUALIFIER), start):
            yield found


def _is_own(qualifier: tuple[str, ...], namespace: tuple[str, ...]) -> bool:
    return namespace[len(namespace) - len(qualifier) :] == qualifier


def _qualifier(text: str, end: int) -> tuple[str, ...]:
    if not text.endswith("::", 0, end):
        return ()
    found = _QUALIFIER.search(text, max(0, end - _LONGEST_QUALIFIER), end)
    return tuple(_WORD.findall(found[0])) if found else ()


def _arguments(text: str, start: int) -> tuple[str, ...]:
    """Return the template arguments of a call; () where `<` opens no list before a call."""
    depth, parentheses = 1, 0
    for position in range(start, min(len(text), start + _LONGEST_LIST)):
        character = text[position]
        if character in ";{}":
            return ()
        parentheses += (character == "(") - (character == ")")
        if parentheses == 0:  # `(N > 2)` compares
            depth += (character == "<") - (character == ">")
        if depth == 0:
            is_call = text[position + 1 : position + 40].lstrip().startswith("(")
            return split_arguments(text[start:position]) if is_call else ()
    return ()
