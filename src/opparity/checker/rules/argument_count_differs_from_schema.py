"""CAL006."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from opparity.checker.analysis.operators import Process
from opparity.checker.analysis.platform_words import concerns
from opparity.checker.analysis.schemas import Argument, parameters_of
from opparity.checker.analysis.wanted import names
from opparity.checker.facts.conditions import Truth
from opparity.checker.facts.native import RegistrationKind
from opparity.checker.facts.places import Related
from opparity.checker.facts.python import Call, CallKind
from opparity.checker.facts.records import fact
from opparity.checker.rules.base import Rule
from opparity.checker.rules.findings import Effect, Finding, Severity, Unknown
from opparity.words.statements import state

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opparity.checker.analysis.project import Project
    from opparity.checker.analysis.services import Analysis
    from opparity.checker.facts.native import Parameter, Registration
    from opparity.checker.facts.platforms import Platform
    from opparity.words.statements import Statement

# `py::args` takes whatever is left, as a template's `Args&&...` does, and a member function has its
# object before its arguments.
_TAKES_ANY = re.compile(r"\b(?:args|kwargs|DispatchKeySet|OperatorHandle|Stack)\b|\.\.\.")


class ArgumentCountDiffersFromSchema(Rule):
    """Python calls an operator with other arguments than a platform's schema of it takes.

    ## Why is this bad?
    Each platform may register an operator of the same name with its own schema.
    A call that suits one raises `RuntimeError: … expected at most …` on another.
    It is an error where the call suits no platform's schema, or is certain to be made while the
    module is imported, and otherwise a warning.
    Where a definition has a function and no schema, torch makes one of the function's parameters.
    A function template that is bound takes as many arguments with whatever types.

    ## Example
    `torch.ops._C.rotary_embedding(positions, query, key, size, cache, neox, offset)` where the
    CPU's bindings still define the operator with six arguments.

    ## Use instead
    Give the arguments that the schema takes; keep one schema on every platform, and put new
    arguments last, with defaults.

    ## Before and after
    Before, in `demo/__init__.py`:

    ```python
    def rows(x):
        return _C.operators.rows(x, 2)
    ```

    After:

    ```python
    def rows(x):
        return _C.operators.rows(x)
    ```
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


@fact
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
    if call.overload and call.overload != "default":
        return None
    operators = analysis.operators
    defined = [each.registration for each in operators.definitions(platform, call.qualified)]
    defined += [each for each in operators.defined_in_python() if each.qualified == call.qualified]
    refusals: list[Refusal] = []
    for registration in defined:
        taken = parameters_of(registration.schema)
        if taken is None:
            taken = _bound(analysis.project, registration)
        refusal = _compare(registration, taken, call) if taken is not None else None
        if refusal is None:
            return None
        refusals.append(refusal)
    return refusals[0] if refusals else None


def _compare(registration: Registration, taken: tuple[Argument, ...], call: Call) -> Refusal | None:
    known = tuple(each.name for each in taken if each.name)
    required = sum(not each.has_default for each in taken)
    for keyword in call.keywords:
        if keyword not in known:
            return Refusal(
                registration,
                state("CAL006.keyword", keyword=keyword),
                state("CAL006.names", names=known)
                if known
                else state("CAL006.unnamed", count=len(taken)),
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
    return parameters_of(schema) == () and schema.partition("->")[2].strip() == "()"


def _bound(project: Project, registration: Registration) -> tuple[Argument, ...] | None:
    """Return the arguments that `py::arg` names; pybind11 wants all of them or none.

    Without names it takes as many as the function has parameters, C++'s defaults or not; and so
    does an operator whose schema torch makes of its function, `m.def("scale", &scale)`.
    """
    given = registration.argument_names
    required = len(given) - registration.argument_defaults
    if given:
        return tuple(Argument(name, number >= required) for number, name in enumerate(given))
    is_bound = registration.kind is RegistrationKind.BIND and registration.style == "pybind"
    bound = registration if is_bound else _implementation(project, registration)
    if bound is None:
        return None
    found = {len(each) for each in _parameters(project, bound)}
    return (
        tuple(Argument("", has_default=False) for _ in range(found.pop()))
        if len(found) == 1
        else None
    )


def _implementation(project: Project, registration: Registration) -> Registration | None:
    """Return the function of a definition without a schema, which the same statement names."""
    if registration.kind is not RegistrationKind.DEF or registration.schema:
        return None
    return next(
        (
            each
            for each in project.native[registration.location.path].registrations
            if each.kind is RegistrationKind.IMPL
            and each.symbol
            and (each.location, each.operator) == (registration.location, registration.operator)
        ),
        None,
    )


def _parameters(project: Project, registration: Registration) -> list[tuple[Parameter, ...]]:
    """Return the parameters that the bound function may have; none where that is not certain."""
    if registration.parameters is not None:
        found = [registration.parameters]
    else:
        last = registration.symbol.rpartition("::")[2]
        definitions = [
            each for each in project.definitions.get(last, ()) if names(registration.symbol, each)
        ]
        # With whatever types it is bound, a template takes as many arguments.
        if not definitions or any(each.is_guessed for each in definitions):
            return []
        shown = [
            each
            for each in project.declarations.get(last, ())
            if each.signature.namespace == definitions[0].signature.namespace
        ]
        # What the file itself defines is what it binds, whatever another file has of that name.
        path = registration.location.path
        own = [each for each in definitions if each.location.path == path]
        if own:
            definitions = own
            shown = [each for each in shown if each.location.path == path]
        signatures = [each.signature for each in definitions] + [each.signature for each in shown]
        found = [each.parameters for each in signatures]
    takes_any = any(_TAKES_ANY.search(parameter.type) for each in found for parameter in each)
    return [] if takes_any else found
