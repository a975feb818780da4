"""Which inline functions a target is certain to emit: those that something emitted uses."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opparity.checker.facts.conditions import Truth

if TYPE_CHECKING:
    from opparity.checker.analysis.linking import Link

_MOST_DEPTH = 4


class Emitted:
    """Looks for uses of inline functions in one target."""

    def __init__(self, link: Link) -> None:
        self.link = link
        self.known: dict[str, bool] = {}

    def is_sure(self, name: str, depth: int = 0) -> bool:
        """Return whether a function is bound, or called from where code is surely emitted."""
        if name not in self.known:
            self.known[name] = False  # a circle ends here
            self.known[name] = self._is_bound(name) or (
                depth < _MOST_DEPTH and self._is_called(name, depth)
            )
        return self.known[name]

    def _is_bound(self, name: str) -> bool:
        return any(
            use.truth is Truth.TRUE
            and name in {each.rpartition("::")[2] for each in registration.functions}
            for registration, use in self.link.registrations()
        )

    def _is_called(self, name: str, depth: int) -> bool:
        for part in self.link.compiled:
            if name not in part.file.called:
                continue
            for reference in part.file.references:
                if reference.symbol != name or reference.is_in_template:
                    continue
                if part.truth(reference.condition) is not Truth.TRUE:
                    continue
                inside = reference.inside.rpartition("::")[2]
                is_plain = part.is_listed and not reference.is_in_inline
                if (is_plain and not self._is_local(inside)) or self.is_sure(inside, depth + 1):
                    return True
        return False

    def _is_local(self, name: str) -> bool:
        return any(each.is_local for each, _ in self.link.definitions.get(name, ()))
