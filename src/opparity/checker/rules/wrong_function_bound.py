"""DEF004."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from opparity.checker.facts.names import operator_name, plain_library
from opparity.checker.facts.places import Related
from opparity.checker.rules.base import Rule
from opparity.checker.rules.findings import Effect, Finding, Severity, Unknown
from opparity.words.statements import state

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opparity.checker.analysis.project import Project
    from opparity.checker.analysis.services import Analysis
    from opparity.checker.facts.native import Registration


class WrongFunctionBound(Rule):
    """Two operators share one function, and the function that one of them is named after is idle.

    ## Why is this bad?
    The line was copied and one name was not changed: a call of the second operator runs the first.

    ## Example
    `ops.impl("supports_block_fp8", &supports_fp8)` with `supports_block_fp8` declared, defined and
    never registered.

    ## Use instead
    Bind the function of the operator's own name.

    ## Before and after
    Before, in `csrc/bindings.cpp`:

    ```cpp
      ops.def("supports_block_fp8(Tensor input) -> Tensor");
      ops.impl("supports_block_fp8", torch::kCUDA, &supports_fp8);
    ```

    After:

    ```cpp
      ops.def("supports_block_fp8(Tensor input) -> Tensor");
      ops.impl("supports_block_fp8", torch::kCUDA, &supports_block_fp8);
    ```
    """

    code = "DEF004"
    name = "wrong-function-bound"
    severity = Severity.ERROR
    effect = Effect.RESULT

    def check(self, analysis: Analysis) -> Iterator[Finding | Unknown]:
        """Yield each binding of another operator's function while its own is never used."""
        by_symbol: dict[tuple[str, str], list[Registration]] = defaultdict(list)
        used: set[str] = set()
        for registration in analysis.project.registrations:
            used.update(name.rpartition("::")[2] for name in registration.functions)
            if registration.symbol:
                library = plain_library(registration.library)
                by_symbol[library, registration.symbol.rpartition("::")[2]].append(registration)
        for (_, symbol), registrations in by_symbol.items():
            owners = [r for r in registrations if r.operator == symbol]
            for other in registrations:
                own = analysis.project.declarations.get(other.operator, ())
                if not owners or other.operator == symbol or not own or other.operator in used:
                    continue
                name, owner = (
                    _full_name(analysis.project, other),
                    _full_name(analysis.project, owners[0]),
                )
                yield self.finding(
                    other.location,
                    state(
                        "DEF004.bound",
                        operator=name,
                        symbol=symbol,
                        owner=owner,
                        function=other.operator,
                    ),
                    operator=name,
                    symbol=symbol,
                    related=[
                        Related(owners[0].location, state("place.bound", name=symbol)),
                        Related(own[0].location, state("place.declared_name", name=other.operator)),
                    ],
                )


def _full_name(project: Project, registration: Registration) -> str:
    """Return library::operator as the first target that lists the source has it."""
    for platform in project.platforms:
        for target, _ in project.targets_compiling(platform, registration.location.path):
            return operator_name(registration, target)
    return registration.qualified
