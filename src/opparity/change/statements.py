"""Sentences as facts: which sentence, and the values in it, without words of any language.

A catalogue (opparity.change.languages) has the words; a format decides how a value is marked.
"""

from __future__ import annotations

from dataclasses import dataclass

Value = str | int | tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Statement:
    """A sentence of the catalogue with its values.

    Attributes:
        key: the sentence's name in every catalogue.
        values: name -> what stands there; a tuple is a list of things. Nothing of it is trusted.
    """

    key: str
    values: tuple[tuple[str, Value], ...] = ()


def state(key: str, /, **values: Value) -> Statement:
    """Return a statement."""
    return Statement(key, tuple(values.items()))
