"""INP002."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opparity.checker.facts.places import Location, Related
from opparity.checker.rules.base import Rule
from opparity.checker.rules.findings import Effect, Finding, Severity, Unknown
from opparity.words.statements import state

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opparity.checker.analysis.services import Analysis

_MOST_PLACES = 12


class BuildNotUnderstood(Rule):
    """The tree has native sources, and no build of them was understood.

    ## Why is this bad?
    No other rule can say anything then: that it finds nothing means nothing.

    ## Example
    A setup.py with a syntax error; a setup.py whose sources come from a service; bindings beside a
    build system that Opparity does not read.

    ## Use instead
    Check the folder that holds the build, or write its sources so that they can be read: as a
    list, a glob or a file of the tree.
    Where nothing is to be built, name the files in `exclude`.

    Sources that are compiled while the program runs are no part of a build, and are only counted.

    ## Before and after
    Before, in `setup.py`:

    ```python
    setup(
        name="demo",
        ext_modules=[CUDAExtension("demo._C", [])],
        cmdclass={"build_ext": BuildExtension},
    )
    ```

    After:

    ```python
    setup(
        name="demo",
        ext_modules=[CUDAExtension("demo._C", ["csrc/bindings.cpp", "csrc/ops.cu"])],
        cmdclass={"build_ext": BuildExtension},
    )
    ```
    """

    code = "INP002"
    name = "build-not-understood"
    severity = Severity.WARNING
    effect = Effect.NONE

    def check(self, analysis: Analysis) -> Iterator[Finding | Unknown]:
        """Yield each description that nobody can run, and one finding for all sources."""
        refused = dict.fromkeys(
            build.description for build in analysis.project.builds if build.is_refused
        )
        for path in refused:
            yield self.finding(
                Location(path, 1), state("INP002.refused", path=path), effect=Effect.BUILD
            )
        basis = analysis.basis
        if refused or basis.understands_a_build:
            return
        left = [path for path in basis.binding_files if path not in basis.compiled_at_run_time]
        key = "INP002.bindings"
        if not left and not basis.compilers:
            left, key = list(basis.sources), "INP002.sources"
        if left:
            places = [Location(path, 1) for path in left]
            lists = [
                Related(each.location, state("place.list", target=each.name))
                for each in basis.open_lists
            ]
            native = [Related(place, state("place.unbuilt")) for place in places[:_MOST_PLACES]]
            yield self.finding(
                lists[0].location if lists else places[0],
                state(key, count=len(left), files=tuple(left)),
                related=[*lists, *native],
            )
