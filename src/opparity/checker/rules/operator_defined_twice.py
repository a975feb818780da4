"""DEF006."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opparity.checker.analysis.operators import Process
from opparity.checker.analysis.schemas import overload_of
from opparity.checker.facts.conditions import Truth
from opparity.checker.facts.names import library_name
from opparity.checker.facts.native import RegistrationKind
from opparity.checker.facts.places import Related
from opparity.checker.rules.base import Rule
from opparity.checker.rules.findings import Effect, Finding, Severity, Unknown
from opparity.words.statements import state

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opparity.checker.analysis.linking import Link
    from opparity.checker.analysis.services import Analysis
    from opparity.checker.facts.places import Location
    from opparity.checker.facts.platforms import Platform

_LOADED = frozenset({"module", "shared", "library"})


class OperatorDefinedTwice(Rule):
    """One process defines an operator, or a whole namespace, twice.

    ## Why is this bad?
    torch refuses the second definition while the library is loaded: the process ends, or the import
    fails, whatever the two definitions say.
    The same holds for two `TORCH_LIBRARY` blocks of one namespace.

    Where it is not known whether the module is imported that defines it again, that is an unknown.

    ## Example
    `m.def("shift(Tensor x) -> Tensor")` in the fragments of two sources of one extension;
    `lib.define("shift(Tensor x) -> Tensor")` in Python beside the extension's own definition.

    ## Use instead
    Define the operator once, and register further implementations with `impl`;
    `TORCH_LIBRARY_FRAGMENT` in every source but one.

    ## Before and after
    Before, in `demo/__init__.py`:

    ```python
    @torch.library.custom_op("demo::mix", mutates_args=())
    def mix(x: torch.Tensor) -> torch.Tensor:
        return x.clone()
    ```

    After:

    ```python
    @torch.library.register_fake("demo::mix")
    def mix(x: torch.Tensor) -> torch.Tensor:
        return torch.empty_like(x)
    ```
    """

    code = "DEF006"
    name = "operator-defined-twice"
    severity = Severity.ERROR
    effect = Effect.IMPORT

    def check(self, analysis: Analysis) -> Iterator[Finding | Unknown]:
        """Yield each second definition that a platform loads."""
        for platform in analysis.project.platforms:
            for link in analysis.linker.links_on(platform):
                if link.target.kind in _LOADED and link.target.built is Truth.TRUE:
                    yield from self._operators(link)
                    yield from self._namespaces(link)
            yield from self._in_python(analysis, platform)

    def _operators(self, link: Link) -> Iterator[Finding]:
        first: dict[str, Location] = {}
        for registration, use in link.registrations():
            if registration.kind is not RegistrationKind.DEF or use.truth is not Truth.TRUE:
                continue
            library = library_name(registration.library, link.target)
            if not library or registration.helper:
                continue
            name = f"{library}::{registration.operator}"
            overload = overload_of(registration.schema)
            known = first.setdefault(f"{name}.{overload}", registration.location)
            if known != registration.location:
                yield self.finding(
                    registration.location,
                    state("DEF006.operator", operator=name, target=link.target.name),
                    platform=link.platform.label,
                    operator=name,
                    related=[Related(known, state("place.registered"))],
                )

    def _namespaces(self, link: Link) -> Iterator[Finding]:
        first: dict[str, Location] = {}
        for part in link.compiled:
            for block in part.file.owned:
                if part.truth(block.condition) is not Truth.TRUE:
                    continue
                library = library_name(block.library, link.target)
                known = first.setdefault(library, block.location)
                if known != block.location:
                    yield self.finding(
                        block.location,
                        state("DEF006.namespace", library=library, target=link.target.name),
                        platform=link.platform.label,
                        symbol=library,
                        related=[Related(known, state("place.registered"))],
                    )

    def _in_python(self, analysis: Analysis, platform: Platform) -> Iterator[Finding | Unknown]:
        """Yield what Python defines surely and a library of the platform too."""
        operators = analysis.operators
        process = Process(platform, operators)
        for name, registrations in operators.python.items():
            native = [
                each
                for each in operators.definitions(platform, name)
                if each.truth is Truth.TRUE and each.registration.kind is RegistrationKind.DEF
            ]
            for each in registrations if native else ():
                runs = process.truth_of(each.guards)
                own = process.truth_of(guard for guard in each.guards if not guard.is_of_module)
                if each.inside or not each.is_definition or own is not Truth.TRUE:
                    continue
                make = self.finding if runs is Truth.TRUE else self.unknown
                if runs is not Truth.FALSE:
                    yield make(
                        each.location,
                        state("DEF006.python", operator=name, target=native[0].target.name),
                        platform=platform.label,
                        operator=name,
                        related=[
                            Related(native[0].registration.location, state("place.registered"))
                        ],
                    )
