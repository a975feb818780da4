"""BLD014."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from opparity.checker.facts.conditions import Truth
from opparity.checker.facts.places import Related
from opparity.checker.rules.base import Rule
from opparity.checker.rules.findings import Effect, Finding, Severity, Unknown
from opparity.words.statements import state

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opparity.checker.analysis.services import Analysis
    from opparity.checker.facts.builds import Source, Target
    from opparity.checker.facts.platforms import Platform


class TwoSourcesOneObject(Rule):
    """Two sources of an extension share a path but for its ending, and make one object file.

    ## Why is this bad?
    setuptools and torch's `BuildExtension` name an object after its source without the ending.
    ninja refuses two rules for one file; without ninja the second object replaces the first, and
    what the first source defines is missing.

    ## Example
    `CUDAExtension("demo._C", ["csrc/quantize.cpp", "csrc/quantize.cu"])`.

    ## Use instead
    Another name for one of the two: `csrc/quantize_kernel.cu`.
    CMake and `cpp_extension.load` keep the ending, and can have both.

    ## Before and after
    Before, in `setup.py`:

    ```python
    sources = glob("csrc/**/*.cc", recursive=True) + glob("csrc/**/*.cu", recursive=True)
    ```

    After:

    ```python
    sources = ["csrc/ops/spin.cc", "csrc/ops/spin_kernel.cu"]
    ```
    """

    code = "BLD014"
    name = "two-sources-one-object"
    severity = Severity.ERROR
    effect = Effect.BUILD

    def check(self, analysis: Analysis) -> Iterator[Finding | Unknown]:
        """Yield each such pair of each extension that a Python script builds."""
        for platform in analysis.project.platforms:
            for target in analysis.project.targets_on(platform):
                if target.kind == "module" and target.location.path.endswith(".py"):
                    yield from self._check(platform, target)

    def _check(self, platform: Platform, target: Target) -> Iterator[Finding]:
        first: dict[str, Source] = {}
        for source in target.sources:
            if source.built is not Truth.TRUE or target.built is not Truth.TRUE:
                continue
            stem = posixpath.splitext(source.path)[0]
            other = first.setdefault(stem, source)
            if other.path != source.path:
                yield self.finding(
                    source.location,
                    state(
                        "BLD014.same",
                        source=source.path,
                        other=other.path,
                        target=target.name,
                        platform=platform.label,
                        object=f"{posixpath.basename(stem)}.o",
                    ),
                    platform=platform.label,
                    symbol=posixpath.basename(source.path),
                    related=[Related(other.location, state("place.sources"))],
                )
