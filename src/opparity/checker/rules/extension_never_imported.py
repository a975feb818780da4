"""CAL007."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opparity.checker.analysis.guards import handles_absence
from opparity.checker.analysis.operators import Process
from opparity.checker.analysis.platform_words import concerns
from opparity.checker.facts.conditions import Truth, describe
from opparity.checker.facts.places import Related
from opparity.checker.facts.python import Call, CallKind
from opparity.checker.languages.python.loading import may_be_loaded
from opparity.checker.rules.base import Rule
from opparity.checker.rules.findings import Effect, Finding, Severity, Unknown
from opparity.words.statements import state

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opparity.checker.analysis.linking import Link
    from opparity.checker.analysis.services import Analysis
    from opparity.checker.facts.builds import Target
    from opparity.checker.facts.platforms import Platform


# Whoever names so many libraries means to name them all.
_FEWEST_LOADED = 2


class ExtensionNeverImported(Rule):
    """A platform builds an extension whose operators Python uses, and nothing there imports it.

    ## Why is this bad?
    Operators are registered when the extension's library is loaded.
    Until something imports it, `torch.ops.library.operator` raises `AttributeError`, although the
    operator was built and shipped.
    It may pass unnoticed where another module, or a test, happens to import the extension first.
    Where Python loads libraries by their names, one that is not among them is a warning: a linker
    drops what another library links and uses no function of, and nothing loads it then.
    Where Python imports none of the tree's extensions and loads no library, another package may:
    that is an unknown.

    ## Example
    `if current_platform.is_cuda(): import demo._moe_C` in a package whose build makes `_moe_C` for
    ROCm too, and `torch.ops._moe_C.moe_sum(...)` in a function for both.

    ## Use instead
    Import the extension wherever it is built: where the operators are used, or in the package's
    `__init__`.

    ## Before and after
    Before, in `demo/__init__.py`:

    ```python
    for name in ("demo_pooling", "demo_all"):
        torch.ops.load_library(pathlib.Path(__file__).with_name(f"lib{name}.so"))
    ```

    After:

    ```python
    for name in ("demo_pooling", "demo_lookup", "demo_all"):
        torch.ops.load_library(pathlib.Path(__file__).with_name(f"lib{name}.so"))
    ```
    """

    code = "CAL007"
    name = "extension-never-imported"
    severity = Severity.ERROR
    effect = Effect.CALL

    def check(self, analysis: Analysis) -> Iterator[Finding | Unknown]:
        """Yield each module that a platform builds, uses and never imports."""
        imports: dict[str, list[Call]] = {}
        for file in analysis.project.python.values():
            for call in file.calls:
                if call.kind is CallKind.IMPORT:
                    imports.setdefault(call.library.rpartition(".")[2], []).append(call)
        uses = [
            call for call in analysis.operators.touches() if call.kind is not CallKind.REGISTER_FAKE
        ]
        for platform in analysis.project.platforms:
            for target in analysis.project.targets_on(platform):
                if target.kind == "module" and target.built is Truth.TRUE:
                    yield from self._check(analysis, platform, target, imports, uses)
            yield from self._not_loaded(analysis, platform, uses)

    def _not_loaded(
        self, analysis: Analysis, platform: Platform, uses: list[Call]
    ) -> Iterator[Finding]:
        """Yield the libraries that Python does not name where it names those beside them."""
        links = [
            link for link in analysis.linker.links_on(platform) if link.target.kind == "shared"
        ]
        loaded = [link for link in links if link.target.name in analysis.loaded_names]
        for link in links if len(loaded) >= _FEWEST_LOADED else ():
            target = link.target
            if target.name in analysis.loaded_names or _is_needed(target, loaded):
                continue
            process = Process(platform, analysis.operators)
            for call in uses:
                if (
                    _is_in(analysis, platform, call, target)
                    and process.truth_of(call.guards) is not Truth.FALSE
                    and not handles_absence(call)
                ):
                    values = {"operator": call.qualified, "module": target.name}
                    yield self.finding(
                        call.location,
                        state("CAL007.unloaded", **values, loaded=loaded[0].target.name),
                        platform=platform.label,
                        operator=call.qualified,
                        symbol=target.name,
                        related=[Related(target.location, state("place.built", name=target.name))],
                        severity=Severity.WARNING,
                    )
                    break

    def _check(
        self,
        analysis: Analysis,
        platform: Platform,
        target: Target,
        imports: dict[str, list[Call]],
        uses: list[Call],
    ) -> Iterator[Finding | Unknown]:
        process = Process(platform, analysis.operators)
        name = target.name.rpartition(".")[2]
        own = imports.get(name, [])
        if any(process.truth_of(each.guards) is not Truth.FALSE for each in own):
            return
        used = [
            call
            for call in uses
            if _is_only_in(analysis, platform, call, target)
            and process.truth_of(call.guards) is not Truth.FALSE
            and concerns(call, platform)
            and not handles_absence(call)
        ]
        if not used or may_be_loaded(analysis.project.tree, name):
            return
        values = {"operator": used[0].qualified, "module": name, "platform": platform.label}
        built = Related(target.location, state("place.built", name=name))
        if not imports:
            # A package that imports none of its extensions may leave that to another one.
            yield self.unknown(
                used[0].location,
                state("CAL007.by_nobody", **values),
                platform=platform.label,
                operator=used[0].qualified,
                symbol=name,
                related=[built],
            )
            return
        conditions = dict.fromkeys(
            " and ".join(describe(guard.condition) for guard in each.guards) for each in own
        )
        statement = state("CAL007.nowhere", **values)
        if own:
            statement = state("CAL007.imported", guard=" or ".join(conditions), **values)
        yield self.finding(
            used[0].location,
            statement,
            platform=platform.label,
            operator=used[0].qualified,
            symbol=name,
            related=[
                built,
                *(Related(each.location, state("place.imported")) for each in own),
                *(
                    Related(call.location, state("place.used_name", name=call.qualified))
                    for call in used[1:]
                ),
            ],
        )


def _is_in(analysis: Analysis, platform: Platform, call: Call, target: Target) -> bool:
    """Return whether a library's own sources, and no others, define what a call touches."""
    definitions = analysis.operators.definitions(platform, call.qualified)
    own = {source.path for source in target.sources}
    return bool(definitions) and all(
        each.registration.location.path in own and each.truth is Truth.TRUE for each in definitions
    )


def _is_needed(target: Target, loaded: list[Link]) -> bool:
    """Return whether a library that Python loads uses a function of another one, which is kept."""
    sources = {source.path for source in target.sources}
    for link in loaded:
        if target.name not in link.target.links:
            continue
        own = {
            name
            for name, found in link.definitions.items()
            if any(part.file.path in sources and not each.is_local for each, part in found)
        }
        for part in link.compiled:
            # What a file declares looks called there, and a block of registrations a function.
            shown = {each.signature.name for each in part.file.declarations}
            called = (part.file.called & own) - shown
            if part.file.path not in sources and any(not name.isupper() for name in called):
                return True
    return False


def _is_only_in(analysis: Analysis, platform: Platform, call: Call, target: Target) -> bool:
    """Return whether a target, and no other of the platform, defines what a call touches."""
    definitions = analysis.operators.definitions(platform, call.qualified)
    return bool(definitions) and all(
        each.target.name == target.name and each.truth is Truth.TRUE for each in definitions
    )
