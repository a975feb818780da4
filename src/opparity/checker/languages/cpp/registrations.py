"""The blocks in which C++ registers operators: torch's libraries, pybind11's modules, helpers."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from opparity.checker.facts.native import LibraryBlock
from opparity.checker.facts.places import Location
from opparity.checker.languages.cpp.block_reader import BlockReader
from opparity.checker.languages.cpp.blocks import Block, Registered
from opparity.checker.languages.cpp.syntax import field as child
from opparity.checker.languages.cpp.syntax import text_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from tree_sitter import Node

    from opparity.checker.facts.conditions import Condition
    from opparity.checker.facts.native import Signature

    # A block, its body, and the line of its head.
    Opened = tuple[Block, Node, int]

_LIBRARY_MACRO = re.compile(
    r"^(?:STABLE_)?TORCH_LIBRARY(_FRAGMENT|_IMPL)?(_EXPAND)?$|"
    r"^(?:\w+_)?TORCH_LIBRARY(_FRAGMENT|_IMPL)?(_EXPAND)?$"
)
# Two of one namespace in a process are refused; of fragments there may be any number.
_OWNING_MACRO = re.compile(r"^(?:STABLE_)?TORCH_LIBRARY(?:_EXPAND)?$")
_MODULE_MACROS = frozenset({"PYBIND11_MODULE", "NB_MODULE", "PYBIND11_MODULE_EXPAND"})
_MODULE_TYPE = re.compile(
    r"\b(?:py|pybind11|nb|nanobind)::module_?\b|\bpybind11::module\b|torch::Library\b"
)
# `auto m = py::handle(module).cast<py::module>();`, as torch's own bindings have it.
_MODULE_OF_OBJECT = re.compile(
    r"\b(\w+)\s*=\s*(?:py|pybind11)::(?:handle\(\w+\)\.cast|reinterpret_(?:borrow|steal))"
    r"<(?:py|pybind11)::module_?>"
)


def read_blocks(
    bodies: Sequence[tuple[Node, Signature]],
    opened: Sequence[Opened],
    path: str,
    condition_at: Callable[[int], Condition],
    macros: Mapping[str, str],
) -> Registered:
    """Return what the bodies of a file's functions register.

    `opened` are the registration blocks among them, `macros` the file's own that take parameters
    and register.
    """
    found = Registered()
    for node, signature in bodies:
        if _OWNING_MACRO.match(signature.name):
            arguments = macro_arguments(child(node, "declarator"))
            line = node.start_point.row + 1
            place = Location(path, line, node.start_point.column + 1)
            found.owned += [
                LibraryBlock(library, place, condition_at(line)) for library in arguments[:1]
            ]
    for heads in _by_end(opened):
        are_alike = len({block for block, _, _ in heads}) == 1
        known = Registered()
        for block, body, line in heads:
            inner = BlockReader(block, path, condition_at, macros).read(body)
            if not are_alike:
                inner = inner.moved(lambda place: place, condition_at(line))
            known.add(inner.without(known))
        found.add(known)
    return found


def registration_blocks(bodies: Sequence[tuple[Node, Signature]]) -> tuple[Opened, ...]:
    """Return the blocks that heads open among a file's functions, with their bodies and lines."""
    return tuple(
        (replace(block, scope=signature.namespace), body, node.start_point.row + 1)
        for node, signature in bodies
        if (body := child(node, "body")) is not None
        and (block := _block(node, signature)) is not None
    )


def is_library_macro(name: str) -> bool:
    """Return whether a macro opens a block of torch's dispatcher."""
    return _LIBRARY_MACRO.match(name) is not None


def is_module_macro(name: str) -> bool:
    """Return whether a macro opens a block of a Python module."""
    return name in _MODULE_MACROS


def _by_end(blocks: Sequence[Opened]) -> Iterator[list[Opened]]:
    """Yield the blocks that are one body behind several heads together, `#if … { #else … {`."""
    found: dict[tuple[int, int], list[Opened]] = {}
    for each in blocks:
        end = each[1].end_point
        found.setdefault((end.row, end.column), []).append(each)
    yield from found.values()


def _block(node: Node, signature: Signature) -> Block | None:
    name = signature.name
    is_library, is_module = bool(_LIBRARY_MACRO.match(name)), name in _MODULE_MACROS
    arguments = macro_arguments(child(node, "declarator")) if is_library or is_module else []
    if is_library and len(arguments) >= 2:  # noqa: PLR2004 -- library, variable
        style = "stable" if name.startswith("STABLE_") else "torch_library"
        key = arguments[1] if "_IMPL" in name and len(arguments) > 2 else ""  # noqa: PLR2004
        return Block(arguments[-1], arguments[0], key, style)
    if is_module and len(arguments) >= 2:  # noqa: PLR2004
        return Block(arguments[1], arguments[0], "", "pybind")
    for parameter in signature.parameters:
        if _MODULE_TYPE.search(parameter.type):
            style = "torch_library" if "Library" in parameter.type else "pybind"
            return Block(parameter.name, "", "", style, helper=name)
    if any("PyObject" in parameter.type for parameter in signature.parameters):
        module = _MODULE_OF_OBJECT.search(text_of(node))
        return Block(module[1], "", "", "pybind", helper=name) if module else None
    return None


def macro_arguments(declarator: Node | None) -> list[str]:
    """Return the comma-separated arguments of a macro that looks like a function's head."""
    if declarator is None:
        return []
    parameters = child(declarator, "parameters")
    if parameters is None:
        return []
    arguments, depth = [""], 0
    for character in text_of(parameters)[1:-1]:
        depth += (character in "([") - (character in ")]")
        if character == "," and depth == 0:
            arguments.append("")
        elif not character.isspace():
            arguments[-1] += character
    return arguments
