"""CAL006."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from opparity.checker.analysis.operators import Process, concerns
from opparity.checker.facts.conditions import Truth
from opparity.checker.facts.places import Related
from opparity.checker.facts.python import Call, CallKind
from opparity.checker.rules.base import Rule
from opparity.checker.rules.findings import Effect, Finding, Severity, Unknown
from opparity.words.statements import state

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opparity.checker.analysis.services import Analysis
    from opparity.checker.facts.native import Registration
    from opparity.checker.facts.platforms import Platform
    from opparity.words.statements import Statement

_SCHEMA = re.compile(r"^\s*[\w:.]+\s*\((?P<arguments>.*)\)\s*->", re.DOTALL)


class ArgumentCountDiffersFromSchema(Rule):
    """Python calls an operator with other arguments than a platform's schema of it takes.

    ## Why is this bad?
    Each platform may register an operator of the same name with its own schema.
    A call that suits one raises `RuntimeError: … expected at most …` on another.

    ## Example
    `torch.ops._C.rotary_embedding(positions, query, key, size, cache, neox, offset)` where the
    CPU's bindings still define the operator with six arguments.

    ## Use instead
    Keep one schema on every platform, and put new arguments last, with defaults.
    """

    code = "CAL006"
    name = "argument-count-differs-from-schema"
    severity = Severity.WARNING
    effect = Effect.CALL

    def check(self, analysis: Analysis) -> Iterator[Finding | Unknown]:
        """Yield each call that a platform's schema refuses: an error where every one does."""
        for call in analysis.operators.touches():
            if call.kind is not CallKind.CALL or call.through or call.argument_count < 0:
                continue
            verdicts = {
                platform: _refusal(analysis, platform, call)
                for platform in analysis.project.platforms
                if _may_run(analysis, platform, call)
            }
            refused = {platform: found for platform, found in verdicts.items() if found}
            everywhere = len(refused) == len(verdicts)
            for platform, refusal in refused.items():
                yield self._refused(analysis, platform, call, refusal, everywhere=everywhere)

    def _refused(
        self,
        analysis: Analysis,
        platform: Platform,
        call: Call,
        refusal: Refusal,
        *,
        everywhere: bool,
    ) -> Finding | Unknown:
        process = Process(platform, analysis.operators)
        certain = everywhere or (call.at_import and process.truth_of(call.guards) is Truth.TRUE)
        related = [Related(refusal.registration.location, state("place.registered"))]
        if not certain and _is_placeholder(refusal.registration):
            return self.unknown(
                call.location,
                state(
                    "CAL006.placeholder",
                    operator=call.qualified,
                    given=refusal.given,
                    platform=platform.label,
                ),
                platform=platform.label,
                operator=call.qualified,
                related=related,
            )
        return self.finding(
            call.location,
            state(
                "CAL006.refused",
                operator=call.qualified,
                given=refusal.given,
                platform=platform.label,
                taken=refusal.taken,
            ),
            platform=platform.label,
            operator=call.qualified,
            related=related,
            severity=Severity.ERROR if certain else Severity.WARNING,
        )


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a schema does not take a call's arguments."""

    registration: Registration
    given: Statement
    taken: Statement


def _may_run(analysis: Analysis, platform: Platform, call: Call) -> bool:
    operators = analysis.operators
    return (
        concerns(call, platform)
        and operators.exists(platform, call.qualified) is Truth.TRUE
        and Process(platform, operators).truth_of(call.guards) is not Truth.FALSE
    )


def _refusal(analysis: Analysis, platform: Platform, call: Call) -> Refusal | None:
    """Return why every schema of the operator on a platform refuses a call; None if one may not."""
    refusals: list[Refusal] = []
    for defined in analysis.operators.definitions(platform, call.qualified):
        taken = arguments_of(defined.registration.schema)
        if taken is None:
            taken = _bound(defined.registration)
        if taken is None or (call.overload and call.overload != "default"):
            return None
        refusal = _compare(defined.registration, taken, call)
        if refusal is None:
            return None
        refusals.append(refusal)
    return refusals[0] if refusals else None


def _compare(
    registration: Registration, taken: tuple[tuple[str, bool], ...], call: Call
) -> Refusal | None:
    names = [name for name, _ in taken]
    required = sum(1 for _, has_default in taken if not has_default)
    for keyword in call.keywords:
        if keyword not in names:
            return Refusal(
                registration,
                state("CAL006.keyword", keyword=keyword),
                state("CAL006.names", names=tuple(names)),
            )
    if required <= call.argument_count <= len(taken):
        return None
    limits = state("CAL006.count", count=required)
    if required < len(taken):
        limits = state("CAL006.range", least=required, most=len(taken))
    return Refusal(registration, state("CAL006.count", count=call.argument_count), limits)


def _is_placeholder(registration: Registration) -> bool:
    """Return whether a schema takes and returns nothing: an operator that is there by name alone.

    vLLM's bindings for the CPU have some, so that Python's modules can be imported.
    """
    schema = registration.schema
    return arguments_of(schema) == () and schema.partition("->")[2].strip() == "()"


def _bound(registration: Registration) -> tuple[tuple[str, bool], ...] | None:
    """Return the arguments that `py::arg` names; pybind11 wants all of them or none."""
    names = registration.argument_names
    required = len(names) - registration.argument_defaults
    return tuple((name, number >= required) for number, name in enumerate(names)) or None


def arguments_of(schema: str) -> tuple[tuple[str, bool], ...] | None:
    """Return (name, whether it has a default) of a schema's arguments; None for no schema."""
    match = _SCHEMA.match(schema)
    if not match:
        return None
    found: list[tuple[str, bool]] = []
    for part in _split(match["arguments"]):
        declaration, equals, _ = part.partition("=")
        words = declaration.split()
        if not words or words == ["*"]:
            continue
        found.append((words[-1], bool(equals)))
    return tuple(found)


def _split(text: str) -> Iterator[str]:
    """Yield the parts between commas that lie in no bracket."""
    depth, start = 0, 0
    for position, character in enumerate(text):
        if character in "([":
            depth += 1
        elif character in ")]":
            depth -= 1
        elif character == "," and depth == 0:
            yield text[start:position]
            start = position + 1
    yield text[start:]
