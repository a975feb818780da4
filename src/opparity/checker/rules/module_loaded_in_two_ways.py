"""BLD013."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opparity.checker.facts.conditions import Truth
from opparity.checker.facts.places import Location, Related
from opparity.checker.rules.base import Rule
from opparity.checker.rules.findings import Effect, Finding, Severity, Unknown
from opparity.words.statements import state

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opparity.checker.analysis.linking import Link
    from opparity.checker.analysis.services import Analysis
    from opparity.checker.facts.native import Include

_OF_TORCH = ("ATen/", "c10/", "torch/")


class ModuleLoadedInTwoWays(Rule):
    """A module that is built on demand is loaded by ctypes as well as by Python's import.

    ## Why is this bad?
    A library for ctypes is often built without torch, so that it loads in any process; what a
    loader leaves out for it is known to that loader alone.
    Where one of the module's sources needs torch, the library then has undefined symbols, and
    which way comes first decides how the one file is built.

    ## Example
    `@compile_ops("module_moe", ffi_type="ctypes")` beside `@compile_ops("module_moe")`, with a
    source among the module's that includes `torch/all.h`.

    ## Use instead
    Build a module of its own for what ctypes loads, of sources that need no torch.

    What a loader leaves out is not read: it is listed among the unknowns.

    ## Before and after
    Before, in `demo/moe.py`:

    ```python
    @compile_ops("module_moe", interface="ctypes")
    def softmax_assembly(out, x): ...
    ```

    After:

    ```python
    @compile_ops("module_moe_assembly", interface="ctypes")
    def softmax_assembly(out, x): ...
    ```
    """

    code = "BLD013"
    name = "module-loaded-in-two-ways"
    severity = Severity.WARNING
    effect = Effect.IMPORT

    def check(self, analysis: Analysis) -> Iterator[Finding | Unknown]:
        """Yield the modules of both kinds whose sources include torch's headers."""
        links = [
            link
            for platform in analysis.project.platforms
            for link in analysis.linker.links_on(platform)
            if link.target.kind == "jit"
        ]
        if not links:
            return
        uses: dict[str, dict[bool, Location]] = {}
        for each in analysis.module_loads:
            uses.setdefault(each.module, {}).setdefault(each.is_by_ctypes, each.location)
        for link in links:
            ways = uses.get(link.target.name, {})
            include = _include_of_torch(link) if len(ways) > 1 else None
            if include is not None:
                yield self._unknown(link, ways, include)

    def _unknown(self, link: Link, ways: dict[bool, Location], include: Include) -> Unknown:
        name, label = link.target.name, link.platform.label
        return self.unknown(
            ways[True],
            state("BLD013.loaded", symbol=name, path=include.path, platform=label),
            platform=label,
            symbol=name,
            related=[
                Related(ways[False], state("place.loaded")),
                Related(include.location, state("place.included")),
                Related(link.target.location, state("place.sources")),
            ],
        )


def _include_of_torch(link: Link) -> Include | None:
    for compiled in link.compiled:
        for include in compiled.file.includes:
            is_made = compiled.truth(include.condition) is Truth.TRUE
            if is_made and include.path.startswith(_OF_TORCH):
                return include
    return None
