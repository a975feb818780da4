"""CAL009."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opparity.checker.analysis.doubts import because, whether
from opparity.checker.analysis.guards import handles_failure
from opparity.checker.analysis.module_reads import binds
from opparity.checker.analysis.operators import Process
from opparity.checker.analysis.platform_words import concerns
from opparity.checker.facts.conditions import Truth, any_of
from opparity.checker.facts.places import Related
from opparity.checker.facts.python import Call, CallKind
from opparity.checker.rules.base import Rule
from opparity.checker.rules.findings import Effect, Finding, Severity, Unknown
from opparity.words.statements import state

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opparity.checker.analysis.services import Analysis
    from opparity.checker.facts.python import PythonFile
    from opparity.words.statements import Statement


class OperatorRegisteredNowhere(Rule):
    """Python uses an operator of the tree's own namespace or module that nobody registers.

    ## Why is this bad?
    The use raises `AttributeError` on every platform, and a fake for the operator `RuntimeError`.
    At the top of a module, the module cannot be imported.
    A namespace is the tree's own where its C++ defines operators in it; what another package
    registers, for a platform that the tree is not built for, is no finding.

    What is read of a module by its whole name (`package._C.scale`), or of what
    `load(name="kernels", …)` gives, is a warning; an unknown where `except Exception` catches
    whatever goes wrong.
    Several builds may make a module of one name, of a copy of a package each: a file means the one
    whose build lies around it, and what that one lacks is a warning.
    It is a warning, too, where the use is reached only under a condition that is not known, or
    where the function around it is used by nothing although others of its module are.

    ## Example
    `torch.ops.demo.rescale(x)` where the bindings say `m.def("scale(Tensor x) -> Tensor")`;
    `torch.ops._C.silu_and_mul` where the operator is registered in the namespace `_moe_C`.

    ## Use instead
    Use the name and the namespace of the registration, or register the operator.

    ## Before and after
    Before, in `demo/__init__.py`:

    ```python
            return torch.ops.demo.norm.default(torch.ops.demo.fold(x))
    ```

    After:

    ```python
            return torch.ops.demo_norm.norm.default(torch.ops.demo.fold(x))
    ```
    """

    code = "CAL009"
    name = "operator-registered-nowhere"
    severity = Severity.ERROR
    effect = Effect.CALL

    def check(self, analysis: Analysis) -> Iterator[Finding | Unknown]:
        """Yield what each file uses and nobody registers, each operator once."""
        told: set[str] = set()
        for found in self._used(analysis):
            told.add(found.operator)
            yield found
        yield from self._read_of_modules(analysis, told)
        yield from self._of_copies(analysis)

    def _used(self, analysis: Analysis) -> Iterator[Finding | Unknown]:
        for _, file in sorted(analysis.project.python.items()):
            uses: dict[str, list[Call]] = {}
            for call in file.calls:
                if call.operator and not call.through and not handles_failure(call):
                    uses.setdefault(call.qualified, []).append(call)
            for calls in uses.values():
                missing = analysis.unregistered.truth(file, calls[0])
                if missing is not Truth.FALSE:
                    yield from self._check(analysis, file, calls, missing)

    def _read_of_modules(self, analysis: Analysis, told: set[str]) -> Iterator[Finding | Unknown]:
        """Yield what is read of a whole module by its name, which no build gives it."""
        for each in analysis.modules_read:
            library = each.module.rpartition(".")[2]
            for read in each.reads if each.is_whole else ():
                operator = f"{library}::{read.name}"
                is_there = any(binds(link, read.name) for link in each.links)
                is_there = is_there or operator in analysis.operators.python
                if is_there or operator in told or read.name.startswith("__"):
                    continue
                if read.is_caught:
                    said = state("CAL009.caught", operator=operator)
                    yield self.unknown(read.location, said, operator=operator)
                else:
                    yield self.finding(
                        read.location,
                        state("CAL009.read", operator=operator),
                        operator=operator,
                        severity=Severity.WARNING,
                    )

    def _of_copies(self, analysis: Analysis) -> Iterator[Finding]:
        """Yield what the module of the build around a file lacks, and a copy of it has."""
        told: set[tuple[str, str]] = set()
        for call in analysis.operators.touches():
            if call.through or handles_failure(call):
                continue
            link = analysis.module_copies.lacking(call)
            if link is not None and (link.description, call.operator) not in told:
                told.add((link.description, call.operator))
                said = state("CAL009.copy", operator=call.qualified, build=link.description)
                yield self.finding(
                    call.location, said, operator=call.qualified, severity=Severity.WARNING
                )

    def _check(
        self, analysis: Analysis, file: PythonFile, calls: list[Call], missing: Truth
    ) -> Iterator[Finding | Unknown]:
        reached = [
            (call, runs) for call in calls if (runs := _runs(analysis, call)) is not Truth.FALSE
        ]
        if not reached:
            return
        certain = [
            call for call, runs in reached if runs is Truth.TRUE and not _is_idle(file, call)
        ]
        first = certain[0] if certain else reached[0][0]
        related = [
            Related(call.location, state("place.used")) for call, _ in reached if call is not first
        ]
        statement = _statement(analysis, first)
        if missing is not Truth.TRUE:
            doubt = analysis.unregistered.doubt(first)
            told = (
                because(statement, iter([doubt])) if doubt else state("CAL009.open", told=statement)
            )
            yield self.unknown(first.location, told, operator=first.qualified, related=related)
            return
        if not certain:
            statement = because(statement, _conditions(analysis, first))
        yield self.finding(
            first.location,
            statement,
            operator=first.qualified,
            related=related,
            severity=Severity.ERROR if certain else Severity.WARNING,
        )


def _runs(analysis: Analysis, call: Call) -> Truth:
    """Return whether a call is reached on some platform that the tree is built for."""
    return any_of(
        Process(platform, analysis.operators).truth_of(call.guards)
        for platform in analysis.project.platforms
        if analysis.operators.by_platform[platform.label].has_targets and concerns(call, platform)
    )


def _conditions(analysis: Analysis, call: Call) -> Iterator[Statement]:
    """Yield the conditions around a call of which no platform decides whether they hold."""
    processes = [Process(each, analysis.operators) for each in analysis.project.platforms]
    for guard in call.guards:
        if not any(each.truth_of([guard]) is Truth.TRUE for each in processes):
            place = f"{guard.location.path}:{guard.location.line}"
            yield whether(guard.condition, place)


def _is_idle(file: PythonFile, call: Call) -> bool:
    """Return whether others use functions of a module, and none the one around a call."""
    if call.at_import or not call.inside:
        return False
    return bool(file.used) and call.inside.partition(".")[0] not in file.used


def _statement(analysis: Analysis, call: Call) -> Statement:
    near = analysis.unregistered.near(call)
    key = {CallKind.REGISTER_FAKE: "CAL009.faked", CallKind.READ: "CAL009.read"}.get(
        call.kind, "CAL009.called"
    )
    said = state(key, operator=call.qualified)
    return state("CAL009.near", told=said, operators=near) if near else said
