"""The operators that a platform has no more, and their Python callers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opparity.change.model import (
    Caller,
    CallerOutcome,
    CellChangeKind,
    LostOperator,
)
from opparity.checker.analysis.guards import handles_absence, is_caught
from opparity.checker.analysis.operators import Process
from opparity.checker.analysis.platform_words import concerns
from opparity.checker.analysis.verdict import CellVerdict
from opparity.checker.facts.conditions import Predicate, Truth, atoms, evaluate

if TYPE_CHECKING:
    from opparity.change.compare.inspection import Inspected
    from opparity.change.model import MatrixChange
    from opparity.checker.facts.python import Call

_MOST_CALLERS = 12
_MOST_LOST = 40
_LOST = frozenset({CellChangeKind.VANISHED, CellChangeKind.WITHDRAWN, CellChangeKind.EMPTIED})
_ORDER = [*CallerOutcome]


def lost_operators(after: Inspected, matrix: MatrixChange) -> tuple[LostOperator, ...]:
    """Return the operators that a platform has no more, each with its callers."""
    gone = [
        (row.operator, cell) for row in matrix.changed for cell in row.cells if cell.kind in _LOST
    ]
    return tuple(
        LostOperator(
            operator=operator,
            platform=cell.platform,
            was_broken=cell.before is not None and cell.before.verdict is CellVerdict.BROKEN,
            callers=callers_of(after, operator, cell.platform),
            is_registered=cell.kind is CellChangeKind.EMPTIED,
        )
        for operator, cell in gone[:_MOST_LOST]
    )


def callers_of(inspected: Inspected, operator: str, platform: str) -> tuple[Caller, ...]:
    """Return the uses of an operator and what becomes of each on a platform; the worst first."""
    process = next(
        (
            Process(each, inspected.analysis.operators)
            for each in inspected.project.asked
            if each.label == platform
        ),
        None,
    )
    if process is None:
        return ()
    found = {
        Caller(
            path=call.location.path,
            line=call.location.line,
            inside=call.inside,
            outcome=_outcome(call, process),
        )
        for file in inspected.project.python.values()
        for call in file.calls
        if call.qualified == operator and not call.through
    }
    ordered = sorted(found, key=lambda each: (_ORDER.index(each.outcome), each.path, each.line))
    return tuple(ordered[:_MOST_CALLERS])


def _outcome(call: Call, process: Process) -> CallerOutcome:
    if handles_absence(call):
        return CallerOutcome.FALLS_BACK
    if not concerns(call, process.platform):
        return CallerOutcome.NOT_REACHED
    conditions = [guard.condition for guard in call.guards if not is_caught(guard.condition)]
    closed = [each for each in conditions if evaluate(each, process) is Truth.FALSE]
    if closed:
        asks = any(
            isinstance(atom, Predicate) and atom.name == "hasattr"
            for condition in closed
            for atom in atoms(condition)
        )
        return CallerOutcome.FALLS_BACK if asks else CallerOutcome.NOT_REACHED
    if all(evaluate(each, process) is Truth.TRUE for each in conditions):
        return CallerOutcome.FAILS
    return CallerOutcome.MAY_FAIL
