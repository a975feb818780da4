"""Elements and slices of values that may not be known."""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING

from opparity.checker.facts.conditions import Truth
from opparity.checker.languages.interpreting import charge
from opparity.checker.languages.setup_py.lifting import lift
from opparity.checker.languages.setup_py.values import (
    Choice,
    Collection,
    Known,
    Library,
    Newest,
    Plain,
    Table,
    Unsure,
    Value,
    join,
    key_of,
)

if TYPE_CHECKING:
    from opparity.checker.languages.setup_py.world import World


def element_of(value: Value, index: Value, world: World) -> Value:
    """Return `value[index]`."""
    match value:
        case Newest():
            return value
        case Choice(options):
            return join([element_of(option, index, world) for option in options])
        case Table() | Collection() if isinstance(index, Choice):
            return join([element_of(value, option, world) for option in index.options])
        case Table(entries, _):
            key = key_of(index)
            if not isinstance(key, Unsure) and key in entries:
                return entries[key].value
            return Unsure("key")
        case Collection(_, items, Truth.TRUE) if isinstance(index, Known):
            charge(len(items))
            certain = value.in_order and all(item.present is Truth.TRUE for item in items)
            position = index.value
            if certain and isinstance(position, int) and -len(items) <= position < len(items):
                return items[position].value
            return Unsure("index")
        case Library("os.environ") if isinstance(index, Known):
            return world.variable(str(index.value), Unsure(f"${index.value!s}"))
        case Known(str()):
            return lift(operator.getitem, value, index)
        case _:
            return Unsure("element")


def slice_of(value: Value, ends: list[Value]) -> Value:
    """Return `value[start:stop:step]`."""
    if isinstance(value, Newest):
        return value
    if isinstance(value, Collection) and all(isinstance(end, Known) for end in ends):
        limits_known = [end.value for end in ends if isinstance(end, Known)]
        if all(limit is None or isinstance(limit, int) for limit in limits_known):
            start, stop, step = (each if isinstance(each, int) else None for each in limits_known)
            charge(len(value.items))
            part = value.items[start:stop:step] if step != 0 else value.items
            if not value.in_order and len(part) < len(value.items):
                return Unsure("slice")
            return Collection(value.kind, part, value.complete, in_order=value.in_order)
        return Unsure("slice")
    return lift(_text_slice, value, *ends)


def _text_slice(text: Plain, start: Plain, stop: Plain, step: Plain) -> Plain:
    whole = all(limit is None or isinstance(limit, int) for limit in (start, stop, step))
    if isinstance(text, str) and whole:
        first, last, stride = (
            each if isinstance(each, int) else None for each in (start, stop, step)
        )
        return text[first:last:stride]
    raise TypeError
