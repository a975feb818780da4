"""Methods of dictionaries, as build scripts use them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opparity.checker.facts.conditions import Truth
from opparity.checker.languages.interpreting import charge
from opparity.checker.languages.setup_py.iteration import items_of
from opparity.checker.languages.setup_py.values import (
    NONE,
    Collection,
    Item,
    Table,
    Unsure,
    Value,
    join,
    key_of,
    weaker,
)

if TYPE_CHECKING:
    from opparity.checker.languages.setup_py.expressions import Evaluator


def call_table(evaluator: Evaluator, table: Table, name: str, arguments: list[Value]) -> Value:
    """Return what a method of a dictionary yields; some change it in place."""
    match name:
        case "get" | "pop" | "setdefault" if arguments:
            default = arguments[1] if len(arguments) > 1 else NONE
            found = _looked_up(evaluator, table, name, arguments[0], default)
            if name == "pop":
                _take_out(evaluator, table, arguments[0])
            return found
        case "keys":
            return Collection("list", items_of(table)[0], table.complete)
        case "values":
            charge(5 * len(table.entries))
            values = [Item(entry.value, entry.present) for entry in table.entries.values()]
            return Collection("list", values, table.complete)
        case "items":
            keys, _ = items_of(table)
            charge(10 * len(keys))
            pairs = [
                Item(Collection("tuple", [key, Item(entry.value)]), entry.present)
                for key, entry in zip(keys, table.entries.values(), strict=True)
            ]
            return Collection("list", pairs, table.complete)
        case "update" if arguments and isinstance(arguments[0], Table):
            charge(5 * len(arguments[0].entries))
            for key, entry in arguments[0].entries.items():
                table.entries[key] = Item(entry.value, weaker(entry.present, evaluator.path))
            return NONE
        case "copy":
            charge(5 * len(table.entries))
            entries = {key: Item(e.value, e.present) for key, e in table.entries.items()}
            return Table(entries, table.complete)
        case "update":
            table.complete = Truth.UNKNOWN
            return NONE
        case _:
            return Unsure(name)


def _take_out(evaluator: Evaluator, table: Table, key_value: Value) -> None:
    """Take a key out of a table, or perhaps any of them where it is not known."""
    key = key_of(key_value)
    if isinstance(key, Unsure):
        for entry in table.entries.values():
            entry.present = weaker(entry.present, Truth.UNKNOWN)
    elif key in table.entries:
        entry = table.entries[key]
        entry.present = weaker(entry.present, evaluator.path.negate())
        if entry.present is Truth.FALSE:
            del table.entries[key]


def _looked_up(
    evaluator: Evaluator, table: Table, name: str, key_value: Value, default: Value
) -> Value:
    key = key_of(key_value)
    if isinstance(key, Unsure):
        return Unsure("key")
    entry = table.entries.get(key)
    if entry is not None:
        return entry.value if entry.present is Truth.TRUE else join([entry.value, default])
    if table.complete is not Truth.TRUE:
        return Unsure("key")
    if name == "setdefault":
        table.entries[key] = Item(default, evaluator.path)
    return default
