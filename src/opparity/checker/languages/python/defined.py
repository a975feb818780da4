"""Which files matter for the operators that Python itself defines."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from opparity.checker.languages.python.import_graph import ImportGraph
    from opparity.checker.languages.python.operator_texts import OperatorText


def defined_in_python(
    texts: Mapping[str, OperatorText], native: frozenset[str], graph: ImportGraph
) -> set[str]:
    """Return the files that define operators in Python which others use, and those that use them.

    An operator whose one use is in the file that defines it stands under the same conditions, and
    one that is defined at the left margin of a file that others import at theirs is always there:
    reading these too would take a fifth more time for vLLM 0.33.0.

    Args:
        texts: what the texts of the tree's Python files say.
        native: the namespaces of native code, whose users are read anyway.
        graph: who imports whom.
    """
    users: dict[bytes, set[str]] = {}
    for path, text in texts.items():
        for library, operator in text.uses:
            if operator and library.decode() not in native:
                users.setdefault(operator, set()).add(path)
    if not users:
        return set()
    surely = {path for imported in graph.unconditional.values() for path in imported}
    found: set[str] = set()
    for path, text in texts.items():
        for indentation, operator in text.definitions:
            if (indentation or path not in surely) and users.get(operator, set()) - {path}:
                found |= {path, *users[operator]}
    helpers = {path for path, text in texts.items() if text.has_helper}
    return found | helpers if found else found


def defining_in_python(texts: Mapping[str, OperatorText]) -> set[str]:
    """Return the files that define operators: these have fakes that fit, or lack them."""
    return {path for path, text in texts.items() if text.definitions}
