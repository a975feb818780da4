"""Registrations by torch's first interface: `torch::RegisterOperators().op("lib::name", &f)`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from opparity.checker.facts.native import Registration, RegistrationKind
from opparity.checker.facts.places import Location
from opparity.checker.languages.cpp.bound_functions import (
    bound_function,
    key_in,
    split_name,
    unwrap_string,
)
from opparity.checker.languages.cpp.syntax import descend, text_of
from opparity.checker.languages.cpp.syntax import field as child

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tree_sitter import Node

    from opparity.checker.facts.conditions import Condition

_CLASS = re.compile(r"(?:^|::)RegisterOperators$")
_SCHEMA = re.compile(r"\.schema\(\s*\"([^\"]+)\"")
# options().kernel<decltype(f), &f>(DispatchKey::CPU), or catchAllKernel with no key
_KERNEL = re.compile(
    r"\.(?:kernel|catchAllKernel)<[^;()]*(?:\([^()]*\))?[^;()]*?&\s*([\w:]+)\s*>\s*\(([^()]*)\)"
)


def read_operator_chains(
    root: Node, path: str, condition_at: Callable[[int], Condition]
) -> Iterator[Registration]:
    """Yield what every chain of `.op(…)` on a RegisterOperators defines and implements."""
    for call in descend(root):
        if call.type != "call_expression":
            continue
        function, arguments = child(call, "function"), child(call, "arguments")
        if function is None or arguments is None or not _is_of_chain(function):
            continue
        values = [part for part in arguments.named_children if part.type != "comment"]
        if values:
            line = function.end_point.row + 1
            place = (Location(path, line), condition_at(line))
            yield from _registrations(values, place)


def _is_of_chain(function: Node) -> bool:
    """Return whether a call is RegisterOperators' own, or a method in a chain that starts there."""
    is_first = True
    current: Node | None = function
    while current is not None:
        if current.type == "field_expression":
            field_node = child(current, "field")
            if is_first and (field_node is None or text_of(field_node) != "op"):
                return False
            is_first = False
            current = child(current, "argument")
        elif current.type == "call_expression":
            current = child(current, "function")
        else:
            return bool(_CLASS.search(text_of(current)))
    return False


def _registrations(values: list[Node], place: tuple[Location, Condition]) -> Iterator[Registration]:
    location, condition = place
    options = "".join(text_of(value) for value in values)
    schema = unwrap_string(values[0])
    if schema is None:
        found = _SCHEMA.search(options)
        if found is None:
            return
        schema = found.group(1)
    library, operator = split_name(schema, "")
    yield Registration(
        kind=RegistrationKind.DEF,
        library=library,
        operator=operator,
        location=location,
        style="torch_library",
        condition=condition,
        schema=schema if "(" in schema else "",
    )
    for key, symbol, mentioned in _kernels(values, options):
        yield Registration(
            kind=RegistrationKind.IMPL,
            library=library,
            operator=operator,
            location=location,
            style="torch_library",
            condition=condition,
            key=key,
            symbol=symbol,
            mentioned=mentioned,
        )


def _kernels(values: list[Node], options: str) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    """Yield (dispatch key, function, functions that a lambda calls) of each kernel given."""
    in_options = _KERNEL.findall(options)
    for symbol, argument in in_options:
        yield argument.rpartition("::")[2].strip().removeprefix("k"), symbol, ()
    for value in values[1:] if not in_options else ():
        symbol, mentioned = bound_function(value)
        if symbol or mentioned:
            yield key_in(value), symbol, mentioned
            return
