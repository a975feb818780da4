"""What the template arguments of a source's calls can stand for."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from opparity.checker.facts.conditions import Truth

if TYPE_CHECKING:
    from opparity.checker.analysis.linking import Compiled
    from opparity.checker.analysis.services import Analysis
    from opparity.checker.facts.native import Definition, Reference

# A number, a truth value or a name with its namespace means itself; another word may be a
# constant of a macro or a type of the function around the call.
_MEANS_ITSELF = re.compile(r"^(?:true|false|\d\w*|\w+::[\w:<>, ]+)$")


class GivenArguments:
    """What the arguments of a source's calls can stand for."""

    def __init__(self, analysis: Analysis, compiled: Compiled) -> None:
        self.analysis = analysis
        self.compiled = compiled
        self.known: dict[str, bool] = {}

    def may_be(self, call: Reference, definition: Definition) -> bool:
        """Return whether a call may be compiled with an instantiation's arguments."""
        pairs = list(zip(call.arguments, definition.arguments, strict=False))
        return len(call.arguments) <= len(definition.arguments) and all(
            written == given
            or (not _MEANS_ITSELF.match(written) and (not given.isdigit() or self._occurs(given)))
            for written, given in pairs
        )

    def _occurs(self, number: str) -> bool:
        """Return whether a constant that the source sees gets a number: `constexpr int X = 90;`."""
        if number not in self.known:
            file, unit = self.compiled.file, self.compiled.unit
            visible = (file.path, *self.analysis.linker.closure(file.path, unit))
            self.known[number] = any(
                self.compiled.truth(each.condition) is not Truth.FALSE
                for path in visible
                for each in self.analysis.project.native[path].constants
                if each.number == number
            )
        return self.known[number]
