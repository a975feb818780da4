"""DEF008."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from opparity.checker.analysis.operators import Process
from opparity.checker.analysis.platform_words import concerns
from opparity.checker.analysis.schemas import overload_of
from opparity.checker.facts.conditions import Truth, any_of
from opparity.checker.facts.places import Related
from opparity.checker.facts.python import Call, CallKind
from opparity.checker.rules.base import Rule
from opparity.checker.rules.findings import Effect, Finding, Severity, Unknown
from opparity.words.statements import state

if TYPE_CHECKING:
    from collections.abc import Iterator
    from collections.abc import Set as AbstractSet

    from opparity.checker.analysis.services import Analysis
    from opparity.checker.facts.places import Location
    from opparity.checker.facts.platforms import Platform
    from opparity.checker.facts.python import Fake

# Implementations that serve where data is not there.
_SERVING_KEYS = frozenset({"", "Meta", "CompositeImplicitAutograd", "CompositeExplicitAutograd"})


# So few of a namespace's operators lack a fake, where so many have one, that each is told.
_MOST_LACKING = 2
_FEWEST_SERVED = 4


class OperatorWithoutFake(Rule):
    """Compiled code calls an operator that has no fake on a platform.

    ## Why is this bad?
    torch.compile runs code without data first: where an operator has neither a fake nor a `Meta`
    implementation, `fullgraph=True` ends with an error, and everything else with a graph break.
    An operator that returns nothing needs no fake.
    Where whether compiled code calls an operator is not known, and others of its namespace have a
    fake, or Python defines it, which is done for compiled code, that is an unknown: one for each
    operator where most have a fake, and otherwise one for the namespace. The same holds for
    operators whose names are put together (`f"demo::scale{n}d"`) beside others that have a fake.

    ## Example
    `torch.ops.demo.shift(x)` in a function under `@torch.compile`, with `m.def("shift(Tensor x) ->
    Tensor")`, an implementation for CUDA, and `register_fake` for other operators alone, or only
    under `if is_cuda():`.

    ## Use instead
    Register a fake with `torch.library.register_fake`, on every platform that has the operator.

    ## Before and after
    Before, in `demo/fakes.py`:

    ```python
    @torch.library.register_fake("demo::fold")
    def _fold(input: torch.Tensor) -> torch.Tensor:
        return torch.empty_like(input)
    ```

    After:

    ```python
    @torch.library.register_fake("demo::fold")
    def _fold(input: torch.Tensor) -> torch.Tensor:
        return torch.empty_like(input)


    @torch.library.register_fake("demo::spread")
    def _spread(input: torch.Tensor) -> torch.Tensor:
        return torch.empty_like(input)
    ```
    """

    code = "DEF008"
    name = "operator-without-fake"
    severity = Severity.WARNING
    effect = Effect.NONE

    def check(self, analysis: Analysis) -> Iterator[Finding | Unknown]:
        """Yield the first such call of each operator on each platform."""
        fakes: dict[str, list[Fake]] = {}
        for file in analysis.project.python.values():
            for fake in file.fakes:
                fakes.setdefault(f"{fake.library}::{fake.operator}", []).append(fake)
        told: set[tuple[str, str]] = set()
        for call in analysis.operators.touches():
            if not call.is_compiled or call.kind is not CallKind.CALL or call.of_module:
                continue
            for platform in analysis.project.platforms:
                key = (platform.label, call.qualified)
                if key not in told and _is_reached(analysis, platform, call):
                    told.add(key)
                    yield from self._check(analysis, platform, call, fakes.get(call.qualified, []))
        faked = {name for name, found in fakes.items() if _is_served(analysis, name, found)}
        yield from self._lonely(analysis, faked, {name for _, name in told})
        yield from self._computed(analysis)

    def _computed(self, analysis: Analysis) -> Iterator[Unknown]:
        """Yield the operators of computed names without a fake in a file where others have one."""
        for _, file in sorted(analysis.project.python.items()):
            served = file.faked & {each.text for each in file.unfollowed}
            for each in file.unfollowed if served else ():
                if each.text not in file.faked:
                    said = state("DEF008.computed", operator=each.text, count=len(served))
                    yield self.unknown(each.location, said, symbol=each.text)

    def _lonely(
        self, analysis: Analysis, faked: AbstractSet[str], told: set[str]
    ) -> Iterator[Unknown]:
        """Yield the operators without a fake whose neighbours have one, or that Python defines."""
        served = Counter(
            name.rpartition("::")[0]
            for name in faked & {*analysis.operators.known, *analysis.operators.python}
        )
        defined = {name.rpartition("::")[0] for name in analysis.operators.python}
        for library in sorted(served.keys() | defined):
            count = served[library]
            found = dict(_unserved(analysis, library, faked | told, is_served=count > 0))
            helped = dict(_helped(analysis, library, faked | told))
            if count >= _FEWEST_SERVED and len(found | helped) <= _MOST_LACKING:
                found |= helped
            if count >= _FEWEST_SERVED and len(found) <= _MOST_LACKING:
                for name, place in found.items():
                    said = state("DEF008.lonely", operator=name, library=library, count=count)
                    yield self.unknown(place, said, operator=name)
            elif found:
                yield self._several(library, count, found)

    def _several(self, library: str, count: int, found: dict[str, Location]) -> Unknown:
        names = tuple(sorted(found))
        lacking = len(names)
        said = state(
            "DEF008.several", operators=names, lacking=lacking, library=library, count=count
        )
        related = [
            Related(found[name], state("DEF008.without", operator=name)) for name in names[1:]
        ]
        return self.unknown(found[names[0]], said, symbol=library, related=related)

    def _check(
        self, analysis: Analysis, platform: Platform, call: Call, fakes: list[Fake]
    ) -> Iterator[Finding | Unknown]:
        process = Process(platform, analysis.operators)
        faked = any_of(process.truth_of(fake.guards) for fake in fakes)
        if faked is not Truth.FALSE or not _needs_fake(analysis, platform, call.qualified):
            return
        key = "DEF008.elsewhere" if fakes else "DEF008.missing"
        yield self.finding(
            call.location,
            state(key, operator=call.qualified, platform=platform.label),
            platform=platform.label,
            operator=call.qualified,
            related=[Related(fake.location, state("place.fake")) for fake in fakes],
        )


def _is_served(analysis: Analysis, name: str, fakes: list[Fake]) -> bool:
    """Return whether one of an operator's fakes is its own, and not of another overload alone."""
    if not all(fake.overload for fake in fakes):
        return True
    operators = analysis.operators
    schemas = [each.schema for each in operators.python.get(name, ())]
    schemas += [
        each.registration.schema
        for here in operators.by_platform.values()
        for each in here.native.get(name, ())
    ]
    return not any(schema and not overload_of(schema) for schema in schemas)


def _unserved(
    analysis: Analysis, library: str, served: AbstractSet[str], *, is_served: bool
) -> Iterator[tuple[str, Location]]:
    """Yield the operators of a namespace that return something and have no fake.

    Where none of the namespace has one, those that Python defines alone.
    """
    operators = analysis.operators
    names = (*operators.known, *operators.python) if is_served else (*operators.python,)
    for name in dict.fromkeys(names):
        if name in served or name.rpartition("::")[0] != library:
            continue
        for platform in analysis.project.platforms:
            if is_served and _needs_fake(analysis, platform, name):
                yield name, operators.definitions(platform, name)[0].registration.location
                break
        else:
            registrations = operators.python.get(name, ())
            own = [each for each in registrations if not overload_of(each.schema)]
            for each in own or registrations:
                returned = each.schema.rpartition("->")[2].strip()
                if each.is_definition and (each.schema == "" or returned not in {"", "()"}):
                    yield name, each.location
                    break


def _helped(
    analysis: Analysis, library: str, served: AbstractSet[str]
) -> Iterator[tuple[str, Location]]:
    """Yield the operators of a namespace that a decorator of the tree's own registers.

    It may make their fakes itself, unless its operators have fakes of their own.
    """
    for name, registrations in analysis.operators.python.items():
        if name not in served and name.rpartition("::")[0] == library:
            yield from (
                (name, each.location)
                for each in registrations[:1]
                if not each.is_definition and each.is_decorator
            )


def _is_reached(analysis: Analysis, platform: Platform, call: Call) -> bool:
    """Return whether a platform surely has what a call is of, and may come there."""
    operators = analysis.operators
    return (
        operators.exists(platform, call.qualified) is Truth.TRUE
        and concerns(call, platform)
        and Process(platform, operators).truth_of(call.guards) is not Truth.FALSE
    )


def _needs_fake(analysis: Analysis, platform: Platform, name: str) -> bool:
    """Return whether an operator returns something and has no implementation that needs no data."""
    definitions = analysis.operators.definitions(platform, name)
    every = [each.registration.schema for each in definitions]
    # `name.out` returns nothing and has a fake of its own, if any.
    schemas = [schema for schema in every if not overload_of(schema)] or every
    if any(not schema or schema.rpartition("->")[2].strip() in {"()", ""} for schema in schemas):
        return False
    keys = analysis.operators.keys(platform, name)
    return bool(schemas) and bool(keys) and not keys & _SERVING_KEYS
