"""CAL013."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opparity.checker.analysis.guards import handles_absence
from opparity.checker.analysis.schemas import overload_of
from opparity.checker.facts.native import RegistrationKind
from opparity.checker.facts.python import CallKind
from opparity.checker.rules.base import Rule
from opparity.checker.rules.findings import Effect, Finding, Severity, Unknown
from opparity.words.statements import state

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opparity.checker.analysis.services import Analysis

# What torch's packet of an operator's overloads has besides them.
_OF_THE_PACKET = frozenset({"name", "op", "overloads"})


class OverloadRegisteredNowhere(Rule):
    """Python uses an overload of an operator that no schema of the operator is of.

    ## Why is this bad?
    `torch.ops.library.operator` gathers an operator's overloads, and each of them is an attribute:
    that of a schema without a name is `default`.
    Another name raises `AttributeError` where it is read.
    Nothing is said of an operator with a definition whose schema is not known.

    ## Example
    `torch.ops.demo.scale.inplace(x)`; `torch.ops.demo.scale.out(x, out=y)` where the bindings say
    `m.def("scale(Tensor x) -> Tensor")` alone.

    ## Use instead
    Name an overload that is registered, or register a schema of it: `m.def("scale.out(…)")`.

    ## Before and after
    Before, in `demo/__init__.py`:

    ```python
    def scale_into(x, y):
        return torch.ops.demo.scale.into(x, out=y)
    ```

    After:

    ```python
    def scale_into(x, y):
        return torch.ops.demo.scale.out(x, out=y)
    ```
    """

    code = "CAL013"
    name = "overload-registered-nowhere"
    severity = Severity.ERROR
    effect = Effect.CALL

    def check(self, analysis: Analysis) -> Iterator[Finding | Unknown]:
        """Yield each use of an overload that there is on no platform."""
        overloads = _overloads(analysis)
        for call in analysis.operators.every_touch():
            if (
                not call.overload
                or call.kind is CallKind.REGISTER_FAKE
                or call.overload.startswith("_")
                or call.overload in _OF_THE_PACKET
                or handles_absence(call)
            ):
                continue
            known = overloads.get(call.qualified)
            if known and call.overload not in known and not _is_open(analysis, call.qualified):
                yield self.finding(
                    call.location,
                    state(
                        "CAL013.used",
                        operator=call.qualified,
                        overload=call.overload,
                        known=tuple(sorted(known)),
                    ),
                    operator=call.qualified,
                )


def _overloads(analysis: Analysis) -> dict[str, set[str]]:
    """Return operator -> its overloads; none for one with a schema that is not known."""
    found: dict[str, set[str]] = {}
    unclear: set[str] = set()
    for platform in analysis.operators.by_platform.values():
        for name, definitions in platform.native.items():
            for each in definitions:
                registration = each.registration
                if registration.kind is RegistrationKind.DEF and registration.schema:
                    found.setdefault(name, set()).add(_named(registration.schema))
                else:
                    unclear.add(name)
    for name, registrations in analysis.operators.python.items():
        for registered in registrations:
            if registered.schema:
                found.setdefault(name, set()).add(_named(registered.schema))
            else:
                unclear.add(name)
    return {name: overloads for name, overloads in found.items() if name not in unclear}


def _named(schema: str) -> str:
    return overload_of(schema) or "default"


def _is_open(analysis: Analysis, name: str) -> bool:
    """Return whether a list that was not read to its end may register more of an operator."""
    platforms = analysis.project.platforms
    return any(analysis.operators.is_open(platform, name) for platform in platforms)
