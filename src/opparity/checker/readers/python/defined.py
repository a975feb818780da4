"""Which files matter for the operators that Python itself defines, by their text."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_USE = re.compile(rb"torch\.ops\.(\w+)\.(\w+)")
_DEFINING = (b"register_custom_op(", b"custom_op(", b"register_op(", b"triton_op(", b".define(")
# The first argument, or the one after `op_name=`: a name, a schema, or a name with its library.
_TEXT = re.compile(rb"""[(=,]\s*[frbu]{0,2}["'](?:\w+::)?(\w+)["'(]""")
_MAKES_A_LIBRARY = b"Library("


def defined_in_python(contents: Mapping[str, bytes], native: frozenset[str]) -> set[str]:
    """Return the files that define operators in Python which others use, and those that use them.

    An operator whose one use is in the file that defines it stands under the same conditions.

    Args:
        contents: the tree's Python files.
        native: the namespaces of native code, whose users are read anyway.
    """
    users: dict[bytes, set[str]] = {}
    for path, content in contents.items():
        if b"torch.ops." in content:
            for library, operator in _USE.findall(content):
                if library.decode() not in native:
                    users.setdefault(operator, set()).add(path)
    found: set[str] = set()
    if not users:
        return found
    for path, content in contents.items():
        if not any(mark in content for mark in _DEFINING):
            continue
        for operator in _TEXT.findall(content):
            if users.get(operator, set()) - {path}:
                found |= {path, *users[operator]}
    if found:
        found |= {path for path, content in contents.items() if _MAKES_A_LIBRARY in content}
    return found
