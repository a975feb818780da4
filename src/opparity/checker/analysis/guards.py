"""What the guards around a call say of its failure: it is caught, or was asked about before."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opparity.checker.facts.conditions import Condition, Predicate, atoms
from opparity.checker.facts.python import DEFINED_IN_TRY

if TYPE_CHECKING:
    from opparity.checker.facts.python import Call


def is_caught(condition: Condition) -> bool:
    """Return whether a guard is a `try` that handles the operator's or module's absence."""
    return isinstance(condition, Predicate) and condition.name == "caught"


def handles_absence(call: Call) -> bool:
    """Return whether an `except` around a call handles the absence of what it touches."""
    return any(is_caught(guard.condition) for guard in call.guards)


def handles_failure(call: Call) -> bool:
    """Return whether an `except` around a call handles that its module lacks what it uses."""
    return any(
        is_caught(guard.condition) and guard.condition != DEFINED_IN_TRY for guard in call.guards
    )


def tests_operator(condition: Condition) -> bool:
    """Return whether a condition asks for an operator by its name."""
    return any(
        isinstance(atom, Predicate) and atom.name == "hasattr" and "::" in atom.arguments[0]
        for atom in atoms(condition)
    )


def asks_for(condition: Condition, name: str) -> bool:
    """Return whether a condition asks for one operator by its name."""
    return any(
        isinstance(atom, Predicate) and atom.name == "hasattr" and atom.arguments == (name,)
        for atom in atoms(condition)
    )
