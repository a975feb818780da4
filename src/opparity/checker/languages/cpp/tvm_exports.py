"""The functions that TVM-FFI exports: by its macros, and in chains on its registry."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from opparity.checker.facts.native import Registration, RegistrationKind
from opparity.checker.facts.places import Location
from opparity.checker.languages.cpp.text_scan import in_directive

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from opparity.checker.facts.conditions import Condition

_EXPORT = re.compile(
    r"\b(?:TVM_FFI_DLL_EXPORT_TYPED_FUNC|TVM_DLL_EXPORT_TYPED_FUNC|TVM_FFI_DLL_EXPORT)\s*\(\s*"
    r"([A-Za-z_]\w*)\s*,\s*([A-Za-z_][\w:]*)\s*\)"
)
_GLOBAL = re.compile(
    r"\bTVM_(?:FFI_)?REGISTER_GLOBAL\s*\(\s*\"([\w.]+)\"\s*\)\s*"
    r"\.\s*set_body(?:_typed|_packed)?\s*\(\s*&?([A-Za-z_][\w:]*)\s*\)"
)
# The longest chain of flashinfer 0.7.2 has 1,100 characters.
_CHAIN = re.compile(r"\bGlobalDef\s*\(\s*\)((?:[^;\"]|\"[^\"\n]{0,200}\"){0,20000}+);")
_DEFINITION = re.compile(
    r"\.\s*def(?:_packed)?\s*\(\s*\"([\w.]+)\"\s*,\s*&?([A-Za-z_][\w:]*)\s*[,)]"
)


def read_tvm_exports(
    path: str, text: str, line_of: Callable[[int], int], condition_at: Callable[[int], Condition]
) -> Iterator[Registration]:
    """Yield what a file exports; its text has no comments."""
    found = [
        (match.start(), match.group(1), match.group(2))
        for expression in (_EXPORT, _GLOBAL)
        for match in expression.finditer(text)
    ]
    for chain in _CHAIN.finditer(text):
        found += [
            (chain.start(1) + match.start(), match.group(1), match.group(2))
            for match in _DEFINITION.finditer(chain.group(1))
        ]
    for start, operator, symbol in found:
        if not in_directive(text, start):
            location = Location(path, line_of(start))
            yield Registration(
                kind=RegistrationKind.BIND,
                library="",
                operator=operator,
                location=location,
                style="tvm_ffi",
                condition=condition_at(location.line),
                symbol=symbol,
            )
