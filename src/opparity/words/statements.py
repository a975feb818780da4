"""Sentences as facts: which sentence, and the values in it, without words of any language.

A catalogue (opparity.words.catalogue) has the words; a format decides how a value is marked.
"""

from __future__ import annotations

from typing import TypeAlias

from opparity.checker.facts.records import fact

Value: TypeAlias = "str | int | Statement | tuple[str | Statement, ...]"


@fact
class Statement:
    """A sentence of the catalogue with its values.

    Attributes:
        key: the sentence's name in every catalogue.
        values: name -> what stands there; a statement is a clause of the sentence, a tuple a list
            of things or of clauses. Nothing of it is trusted.
    """

    key: str
    values: tuple[tuple[str, Value], ...] = ()

    def having(self, **values: Value) -> Statement:
        """Return the same sentence, and the same in its clauses, with other values for names."""
        return Statement(
            self.key,
            tuple(
                (name, values[name] if name in values else _having(value, values))
                for name, value in self.values
            ),
        )


def _having(value: Value, values: dict[str, Value]) -> Value:
    if isinstance(value, Statement):
        return value.having(**values)
    if isinstance(value, tuple):
        return tuple(
            each.having(**values) if isinstance(each, Statement) else each for each in value
        )
    return value


def state(key: str, /, **values: Value) -> Statement:
    """Return a statement."""
    return Statement(key, tuple(values.items()))


def moved_guard(key: str, before: str, after: str, /, **values: tuple[str, ...]) -> Statement:
    """Return the sentence for a guard that was added, removed or exchanged."""
    if not before:
        return state(f"{key}_added", **values, guard=after)
    if not after:
        return state(f"{key}_removed", **values, guard=before)
    return state(key, **values, before=before, after=after)
