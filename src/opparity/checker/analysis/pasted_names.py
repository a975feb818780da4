"""Functions whose names macros make."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opparity.checker.analysis.project import Project

_PASTED = re.compile(r"(?:\b(\w++)|(?<!\s))\s*+##\s*+\w++(?:\s*+##\s*+(\w++))?")
_WORD = re.compile(r"\w+")
_SHORTEST = 3


class Pasted:
    """What macros may make: names that they are given, or put together."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self.given = frozenset(
            word
            for file in project.native.values()
            for use in file.macro_uses
            if not use.variable
            for argument in use.arguments
            for word in _WORD.findall(argument)
        )
        self.ends = frozenset(
            (start, end) for start, end in _pasted(project) if len(start) + len(end) >= _SHORTEST
        )
        self._known: dict[str, bool] = {}

    def may_make(self, name: str) -> bool:
        """Return whether some macro of the tree may make a function of that name."""
        if name not in self._known:
            self._known[name] = (
                name in self.project.macro_definitions
                or name in self.given
                or any(name.startswith(start) and name.endswith(end) for start, end in self.ends)
            )
        return self._known[name]


def _pasted(project: Project) -> Iterator[tuple[str, str]]:
    """Yield what the names that macros put together begin and end with."""
    for macros in project.macro_definitions.values():
        for macro in macros:
            if macro.is_function and "##" in macro.value:
                for found in _PASTED.finditer(macro.value):
                    yield found[1] or "", found[2] or ""
