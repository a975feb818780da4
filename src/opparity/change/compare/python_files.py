"""Python's uses of the tree's operators, and the guards around them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opparity.checker.analysis.operators import Process
from opparity.checker.analysis.platform_words import concerns
from opparity.checker.facts.conditions import (
    And,
    Constant,
    Not,
    Or,
    Predicate,
    Truth,
    conjunction,
    describe,
    disjunction,
    negation,
)
from opparity.checker.facts.python import CallKind, PythonFile
from opparity.words.statements import moved_guard, state

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from opparity.change.compare.differences import Difference, Differences
    from opparity.change.compare.inspection import Inspected
    from opparity.checker.facts.conditions import Condition
    from opparity.checker.facts.python import Call, TableUse
    from opparity.words.statements import Statement

_EMPTY = PythonFile(path="")


def compare(differences: Differences) -> None:
    """Compare every Python file that changed."""
    for path in sorted(differences.changed):
        old = differences.before.project.python.get(path, _EMPTY)
        new = differences.after.project.python.get(path, _EMPTY)
        first, second = _uses(differences.before, old), _uses(differences.after, new)
        told: dict[tuple[str, ...], list[str]] = {}
        for operator in dict.fromkeys((*first, *second)):
            before, after = first.get(operator, []), second.get(operator, [])
            if not before or not after:
                told.setdefault(("called",) if after else ("uncalled",), []).append(operator)
                continue
            guards = guards_text(before), guards_text(after)
            if guards[0] != guards[1]:
                told.setdefault(("call_guard", *guards), []).append(operator)
        if told:
            difference = differences.at(path)
            _tell(difference, told)
            _reached(differences, difference, first, second)
        _tables(differences, path, old, new)


def _uses(side: Inspected, file: PythonFile) -> dict[str, list[Call]]:
    found: dict[str, list[Call]] = {}
    for call in file.calls:
        if call.operator and side.analysis.operators.is_ours(call.qualified):
            found.setdefault(call.qualified, []).append(call)
    return found


def _tables(differences: Differences, path: str, old: PythonFile, new: PythonFile) -> None:
    """Say which keys of tables are stored or read under other guards than before."""
    first, second = _table_uses(old), _table_uses(new)
    for use, after in second.items():
        before = first.get(use)
        if before is None:
            continue
        guards = guards_text(before), guards_text(after)
        if guards[0] != guards[1]:
            table, key, is_store = use
            difference = differences.at(path)
            difference.terms.update((table, key))
            name = "change.stored_guard" if is_store else "change.read_guard"
            difference.changes.append(moved_guard(name, *guards, table=(table,), key=(key,)))


def _table_uses(file: PythonFile) -> dict[tuple[str, str, bool], list[TableUse]]:
    found: dict[tuple[str, str, bool], list[TableUse]] = {}
    for use in file.table_uses:
        table = use.table.rpartition(":")[2]
        found.setdefault((table, use.key, use.is_store), []).append(use)
    return found


def guards_text(calls: Sequence[Call | TableUse]) -> str:
    """Return the guards of an operator's uses, as far as they are known; "" for none.

    Uses under different guards are told as "… / …".
    """
    texts = dict.fromkeys(
        " && ".join(
            dict.fromkeys(
                describe(known)
                for guard in call.guards
                if (known := _known(guard.condition)) is not None
            )
        )
        for call in calls
    )
    return "" if "" in texts else " / ".join(texts)


def _known(condition: Condition) -> Condition | None:
    """Return a guard without what could not be decided; None where nothing is left of it."""
    match condition:
        case Constant():
            return None
        case Predicate(name):
            return condition if name in {"platform", "hasattr"} else None
        case Not(operand):
            inner = _known(operand)
            return None if inner is None else negation(inner)
        case And(operands):
            parts = [part for each in operands if (part := _known(each)) is not None]
            return conjunction(*parts) if parts else None
        case Or(operands):
            known = [_known(each) for each in operands]
            parts = [each for each in known if each is not None]
            return disjunction(*parts) if len(parts) == len(known) else None
        case _:
            return None


def _tell(difference: Difference, told: dict[tuple[str, ...], list[str]]) -> None:
    for (key, *guards), operators in told.items():
        for operator in operators:
            difference.about(operator)
        listed = tuple(operators)
        if guards:
            difference.changes.append(moved_guard(f"change.{key}", *guards, operators=listed))
        else:
            difference.changes.append(state(f"change.{key}", operators=listed))


def _reached(
    differences: Differences,
    difference: Difference,
    first: dict[str, list[Call]],
    second: dict[str, list[Call]],
) -> None:
    """Say on which platforms an operator is called that was not called there, or no longer is."""
    found: dict[tuple[str, frozenset[str]], list[str]] = {}
    for operator in dict.fromkeys((*first, *second)):
        before = _platforms(differences.before, first.get(operator, []))
        after = _platforms(differences.after, second.get(operator, []))
        gained, lost = after - before, before - after
        if gained:
            found.setdefault(("called", gained), []).append(operator)
        # A file that calls it no more says so already.
        if lost and operator in second:
            found.setdefault(("uncalled", lost), []).append(operator)
    for (key, there), operators in found.items():
        listed = tuple(operators)
        platforms = tuple(each for each in differences.after.platforms if each in there)
        if key == "called" and platforms == differences.after.platforms:
            difference.effects.extend(_everywhere(differences.after, second, listed))
        elif platforms:
            difference.effects.append(state(f"effect.{key}", operators=listed, platforms=platforms))


def _everywhere(
    side: Inspected, uses: dict[str, list[Call]], operators: tuple[str, ...]
) -> Iterator[Statement]:
    """Tell operators that nothing guards from those whose guards could not be decided."""
    processes = [Process(each, side.analysis.operators) for each in side.project.asked]
    open_to_all = {
        operator
        for operator in operators
        for call in uses[operator]
        if all(each.truth_of(call.guards) is Truth.TRUE for each in processes)
    }
    for key, is_open in (("called_everywhere", True), ("called_undecided", False)):
        listed = tuple(each for each in operators if (each in open_to_all) is is_open)
        if listed:
            yield state(f"effect.{key}", operators=listed)


def _platforms(side: Inspected, calls: list[Call]) -> frozenset[str]:
    return frozenset(
        platform.label
        for platform in side.project.asked
        for call in calls
        if call.kind is not CallKind.REGISTER_FAKE
        and concerns(call, platform)
        and Process(platform, side.analysis.operators).truth_of(call.guards) is not Truth.FALSE
    )
