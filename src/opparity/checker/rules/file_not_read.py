"""INP001."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opparity.checker.facts.conditions import Truth
from opparity.checker.facts.places import Related
from opparity.checker.languages.detection import FOREIGN
from opparity.checker.rules.base import Rule
from opparity.checker.rules.findings import Effect, Finding, Severity, Unknown
from opparity.words.statements import state

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opparity.checker.analysis.services import Analysis

_MOST_PLACES = 12


class FileNotRead(Rule):
    """A part of the tree could not be read, so nothing is said of what it holds.

    ## Why is this bad?
    A registration or a source list in it is invisible to every other rule: what they say of the
    tree may be incomplete.

    ## Example
    A source of 100 MB, a symbolic link that leads out of the tree, a build description that runs
    longer than the limit of steps, a registration in a file that no list names.

    ## Use instead
    Name the file in `exclude` if it is no source of the project; make it readable if it is.

    It is listed among the unknowns and fails a check only with `--strict`.
    """

    code = "INP001"
    name = "file-not-read"
    severity = Severity.WARNING
    effect = Effect.NONE

    def check(self, analysis: Analysis) -> Iterator[Finding | Unknown]:
        """Yield every problem that a reader met."""
        for problem in analysis.project.problems:
            yield self.unknown(problem.location, problem.reason)
        yield from self._unplaced(analysis)

    def _unplaced(self, analysis: Analysis) -> Iterator[Unknown]:
        """Yield one unknown for all registrations in files that no build compiles.

        A list that is open may have them; then the rules say so of each.
        """
        links = [
            link
            for platform in analysis.project.platforms
            for link in analysis.linker.links_on(platform)
        ]
        if any(link.is_complete is Truth.UNKNOWN for link in links):
            return
        compiled = {part.file.path for link in links for part in link.compiled}
        places = [
            file.registrations[0].location
            for path, file in sorted(analysis.project.native.items())
            if file.registrations and path not in compiled and not FOREIGN.search(path)
        ]
        if not places:
            return
        yield self.unknown(
            places[0],
            state("INP001.unplaced", count=len(places)),
            related=[Related(place, state("place.registers")) for place in places[:_MOST_PLACES]],
        )
