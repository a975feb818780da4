"""INP001."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opparity.checker.facts.builds import UNKNOWN_PART
from opparity.checker.facts.places import Related
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

    ## Before and after
    Before, in `setup.py`:

    ```python
    setup(
        name="demo",
        ext_modules=[
            CppExtension("demo._C", ["csrc/bindings.cpp"]),
            CppExtension("demo._more", fetch_list("demo")),
        ],
        cmdclass={"build_ext": BuildExtension},
    )
    ```

    After:

    ```python
    setup(
        name="demo",
        ext_modules=[
            CppExtension("demo._C", ["csrc/bindings.cpp"]),
            CppExtension("demo._more", ["csrc/more.cpp"]),
        ],
        cmdclass={"build_ext": BuildExtension},
    )
    ```
    """

    code = "INP001"
    name = "file-not-read"
    severity = Severity.WARNING
    effect = Effect.NONE

    def check(self, analysis: Analysis) -> Iterator[Finding | Unknown]:
        """Yield every problem that a reader met."""
        for problem in analysis.project.problems:
            yield self.unknown(problem.location, problem.reason)
        for each in analysis.basis.open_lists:
            if not each.sources:
                symbol = "" if each.name == UNKNOWN_PART else each.name
                told = state("INP001.list", target=each.name)
                yield self.unknown(each.location, told, symbol=symbol)
        yield from self._unplaced(analysis)

    def _unplaced(self, analysis: Analysis) -> Iterator[Unknown]:
        """Yield one unknown for all registrations in files that no build compiles.

        A list that is open may have them; that it is open is said of the check as a whole.
        """
        basis = analysis.basis
        left = set(basis.binding_files) - basis.listed - set(basis.compiled_at_run_time)
        places = [
            registrations[0].location
            for path, file in sorted(analysis.project.native.items())
            if path in left and (registrations := file.registrations or file.unfollowed)
        ]
        if not places or basis.open_lists or not basis.understands_a_build:
            return
        yield self.unknown(
            places[0],
            state("INP001.unplaced", count=len(places)),
            related=[Related(place, state("place.registers")) for place in places[:_MOST_PLACES]],
        )
