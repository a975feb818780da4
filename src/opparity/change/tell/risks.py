"""What can go wrong: what breaks, what is missing, and what the change's guards rest on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opparity.change.compare.macros import macros_of
from opparity.change.model import CallerOutcome, CellChangeKind, Risks
from opparity.change.tell.impact import by_platform, negative, positive, scope
from opparity.checker.analysis.macros import platform_of_macro
from opparity.checker.analysis.verdict import CellVerdict
from opparity.checker.facts.conditions import And, Defined, Not
from opparity.words.statements import state

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opparity.change.compare.inspection import Inspected
    from opparity.change.model import (
        LostOperator,
        MacroUse,
        MatrixChange,
        PlatformVerdict,
        Review,
    )
    from opparity.words.statements import Statement


def weigh(
    before: Inspected,
    after: Inspected,
    matrix: MatrixChange,
    review: Review,
    verdicts: tuple[PlatformVerdict, ...],
    guards: dict[str, str],
    macros: tuple[MacroUse, ...],
    lost: tuple[LostOperator, ...],
) -> Risks:
    """Return the risks and the impact of a change."""
    return Risks(
        risks=(
            *_broken(matrix),
            *_macro_risks(after, macros, guards),
            *_missing(lost),
            *_absences(after, guards),
        ),
        positive=tuple(positive(matrix, review, verdicts)),
        negative=tuple(negative(matrix, review, verdicts, lost)),
        scope=tuple(scope(before, after, matrix)),
        lost=lost,
        macros=macros,
    )


def _still_broken(matrix: MatrixChange) -> dict[str, tuple[str, ...]]:
    found: dict[str, list[str]] = {}
    for row in matrix.rows:
        for cell in row.cells:
            if (
                cell.kind in {CellChangeKind.SAME, CellChangeKind.GUARD}
                and cell.after is not None
                and cell.after.verdict is CellVerdict.BROKEN
            ):
                found.setdefault(cell.platform, []).append(row.operator)
    return {platform: tuple(operators) for platform, operators in found.items()}


def _broken(matrix: MatrixChange) -> Iterator[Statement]:
    for platform, operators in by_platform(matrix, CellChangeKind.BROKE).items():
        yield state("risk.broke", platform=platform, operators=operators)
    for platform, operators in _still_broken(matrix).items():
        yield state("risk.still_broken", platform=platform, operators=operators)


def _macro_risks(
    after: Inspected, macros: tuple[MacroUse, ...], guards: dict[str, str]
) -> Iterator[Statement]:
    """Say what the change's guards rest on: one spelling, and somebody who defines it."""
    for macro in macros:
        operators = tuple(
            operator
            for operator in guards
            if any(
                macro.name in macros_of(each.condition)
                for each in after.registrations.get(operator, ())
            )
        )
        if macro.name in after.undefined_macros:
            yield state("risk.macro_undefined", macro=macro.name, operators=operators)
            continue
        key = "risk.macro_others" if macro.others else "risk.macro_consistency"
        others = {"others": macro.others} if macro.others else {}
        yield state(key, macro=macro.name, operators=operators, files=macro.files, **others)
        if macro.defined:
            yield state(
                "risk.macro_defined",
                macro=macro.name,
                places=tuple(place for place, _ in macro.defined),
                platform=macro.platform,
            )
        elif macro.by_torch:
            yield state("risk.macro_by_torch", macro=macro.name, platform=macro.platform)


def _missing(lost: tuple[LostOperator, ...]) -> Iterator[Statement]:
    """Say who calls what a platform has no more, operators without callers taken together."""
    idle: dict[tuple[str, str], list[str]] = {}
    for each in lost:
        outcomes = [caller.outcome for caller in each.callers]
        key = "risk.unimplemented" if each.is_registered else "risk.missing"
        if outcomes:
            yield state(
                key,
                operator=each.operator,
                platform=each.platform,
                callers=len(outcomes),
                outcomes=tuple(
                    state(f"risk.caller_{outcome.value}", count=outcomes.count(outcome))
                    for outcome in CallerOutcome
                    if outcome in outcomes
                ),
            )
        else:
            idle.setdefault((key, each.platform), []).append(each.operator)
    for (key, platform), operators in idle.items():
        yield state(f"{key}_uncalled", operators=tuple(operators), platform=platform)


def _absences(after: Inspected, guards: dict[str, str]) -> Iterator[Statement]:
    """Name the guards that say where an operator is not, and where else they hold."""
    found: dict[tuple[str, str, tuple[str, ...]], list[str]] = {}
    for operator, guard in guards.items():
        for macro in _absent_macros(after, operator):
            elsewhere = tuple(
                platform
                for platform, cell in after.states.get(operator, {}).items()
                if cell.verdict is not CellVerdict.WORKS
                and platform.partition(":")[0] != platform_of_macro(macro)
            )
            found.setdefault((guard, macro, elsewhere), []).append(operator)
    for (guard, macro, elsewhere), operators in found.items():
        listed = tuple(operators)
        if elsewhere:
            yield state(
                "risk.absence_elsewhere",
                operators=listed,
                guard=guard,
                platforms=elsewhere,
            )
        else:
            yield state("risk.absence", operators=listed, guard=guard, macro=macro)


def _absent_macros(after: Inspected, operator: str) -> list[str]:
    """Return the platform macros whose absence the one guard of an operator asks for."""
    conditions = {each.condition for each in after.registrations.get(operator, ())}
    if len(conditions) > 1:
        return []
    found: dict[str, None] = {}
    for condition in conditions:
        parts = condition.operands if isinstance(condition, And) else (condition,)
        for part in parts:
            if not isinstance(part, Not) or not isinstance(part.operand, Defined):
                continue
            if platform_of_macro(part.operand.macro):
                found[part.operand.macro] = None
    return list(found)
