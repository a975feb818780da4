"""What a change takes away of what was understood: neither gone nor fixed, merely unread."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from opparity.checker.rules.findings import Finding


@dataclass(frozen=True, slots=True)
class Loss:
    """What was understood of the tree before and is not of the tree after.

    Attributes:
        extensions: those whose sources were known; their lists cannot be worked out any more.
        sources: what those were built of, as far as it is still there and in no other list.
        lists: the files that described those.
        files: the files that could be read.
        registrations: the files that now register by macros or functions that are not followed.
        operators: those that the tree before registers in all of these, and the tree after not.
    """

    extensions: tuple[str, ...] = ()
    lists: frozenset[str] = frozenset()
    sources: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    registrations: tuple[str, ...] = ()
    operators: frozenset[str] = frozenset()

    @property
    def is_of_builds(self) -> bool:
        """Tell whether an extension, or a file, is not understood any more."""
        return bool(self.extensions or self.files)

    def hides(self, finding: Finding) -> bool:
        """Tell whether a finding of the tree before may only be out of sight in the tree after."""
        places = [finding.location.path, *(each.location.path for each in finding.related)]
        lost = {*self.lists, *self.sources, *self.files, *self.registrations}
        return finding.operator in self.operators or bool(lost.intersection(places))


NOTHING_LOST = Loss()
