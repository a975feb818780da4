"""How facts are made: frozen, with slots, and sent to other processes as a class and its values."""

from __future__ import annotations

from dataclasses import dataclass
from operator import attrgetter
from typing import Any, TypeVar, dataclass_transform

Kind = TypeVar("Kind", bound=type[Any])


@dataclass_transform(frozen_default=True)
def fact(kind: Kind) -> Kind:
    """Return a class as a frozen record."""
    made: Any = dataclass(frozen=True, slots=True)(kind)
    return sent_quickly(made)  # type: ignore[no-any-return]


def sent_quickly(kind: Any) -> Any:  # noqa: ANN401 -- any dataclass with slots
    """Return a class whose objects are pickled as the class and their values.

    What dataclasses with slots do by themselves asks for their fields again for each object: for
    vLLM 0.33.0's native files 0.41 s instead of 0.16 s.
    """
    values = attrgetter(*kind.__slots__)
    is_one = len(kind.__slots__) == 1

    def reduced(self: object) -> tuple[Any, tuple[Any, ...]]:
        return kind, (values(self),) if is_one else values(self)

    kind.__reduce__ = reduced
    return kind
