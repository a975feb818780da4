"""Registrations outside of any block: TVM-FFI's exports and torch's first interface."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from opparity.checker.facts import Location, Registration, RegistrationKind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from opparity.checker.conditions import Condition

_TVM_EXPORT = re.compile(
    r"\b(?:TVM_FFI_DLL_EXPORT_TYPED_FUNC|TVM_DLL_EXPORT_TYPED_FUNC|TVM_FFI_DLL_EXPORT)\s*\(\s*"
    r"([A-Za-z_]\w*)\s*,\s*([A-Za-z_][\w:]*)\s*\)"
)
_TVM_GLOBAL = re.compile(
    r"\bTVM_(?:FFI_)?REGISTER_GLOBAL\s*\(\s*\"([\w.]+)\"\s*\)\s*\.\s*set_body_(?:typed|packed)?\w*"
    r"\s*\(\s*&?([A-Za-z_][\w:]*)\s*\)"
)
_TVM_DEFINITION = re.compile(
    r"\.\s*def(?:_packed)?\s*\(\s*\"([\w.]+)\"\s*,\s*&?([A-Za-z_][\w:]*)\s*[,)]"
)
_TVM_CHAIN = re.compile(r"\bGlobalDef\s*\(\s*\)((?:[^;\"]|\"[^\"\n]*\")*);")
_OPERATOR = re.compile(
    r"(?:\.\s*op|\bRegisterOperators(?:\s+\w+)?)\s*\(\s*\"([\w:]+)(?:\.\w+)?((?:\([^\"]*)?)\"\s*,\s*"
    r"&?([A-Za-z_][\w:]*)\s*[,)]"
)


def read_calls(
    path: str, text: str, line_of: Callable[[int], int], condition_at: Callable[[int], Condition]
) -> Iterator[Registration]:
    """Yield what a file's text, without its comments, registers outside of blocks."""
    found: list[tuple[int, str, str]] = []
    if "TVM" in text or "GlobalDef" in text:
        for expression in (_TVM_EXPORT, _TVM_GLOBAL):
            found += [(m.start(), m.group(1), m.group(2)) for m in expression.finditer(text)]
        for chain in _TVM_CHAIN.finditer(text):
            found += [
                (chain.start(1) + m.start(), m.group(1), m.group(2))
                for m in _TVM_DEFINITION.finditer(chain.group(1))
            ]
    for start, operator, symbol in found:
        if not _in_directive(text, start):
            location = Location(path, line_of(start))
            condition = condition_at(location.line)
            yield Registration(
                RegistrationKind.BIND, "", operator, location, "tvm_ffi", condition, symbol=symbol
            )
    if "RegisterOperators" in text:
        yield from _read_operators(path, text, line_of, condition_at)


def _read_operators(
    path: str, text: str, line_of: Callable[[int], int], condition_at: Callable[[int], Condition]
) -> Iterator[Registration]:
    for found in _OPERATOR.finditer(text):
        library, _, operator = found.group(1).rpartition("::")
        location = Location(path, line_of(found.start(1)))
        condition = condition_at(location.line)
        if _in_directive(text, found.start()):
            continue
        schema = f"{operator}{found.group(2)}" if found.group(2) else ""
        style = "torch_library"
        yield Registration(
            RegistrationKind.DEF, library, operator, location, style, condition, schema
        )
        yield Registration(
            RegistrationKind.IMPL,
            library,
            operator,
            location,
            style,
            condition,
            symbol=found.group(3),
        )


def _in_directive(text: str, start: int) -> bool:
    return text[text.rfind("\n", 0, start) + 1 :].lstrip().startswith("#")
