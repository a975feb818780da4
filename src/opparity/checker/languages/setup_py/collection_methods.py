"""Methods of lists, tuples and sets, as build scripts use them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from opparity.checker.facts.conditions import Truth
from opparity.checker.languages.interpreting import charge
from opparity.checker.languages.setup_py.comparisons import difference, presence
from opparity.checker.languages.setup_py.iteration import items_of
from opparity.checker.languages.setup_py.values import (
    MOST_ITEMS,
    NONE,
    Choice,
    Collection,
    Item,
    Known,
    Table,
    Unsure,
    Value,
    join,
    weaker,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from opparity.checker.languages.setup_py.expressions import Evaluator


def call_collection(
    evaluator: Evaluator,
    receiver: Collection,
    name: str,
    arguments: list[Value],
    keywords: Mapping[str, Value],
) -> Value:
    """Return what a method of a list, tuple or set yields; some change it in place."""
    if name in {"sort", "reverse"}:
        _rearrange(evaluator, receiver, name, keywords)
        return NONE
    changes = _changed(evaluator, receiver, name, arguments)
    if changes is not None:
        return changes
    result = duplicate(receiver)
    match name:
        case "copy":
            return result
        case "difference":
            for argument in arguments:
                result = difference(result, argument)
            return result
        case "union":
            for argument in arguments:
                extend(evaluator, result, argument)
            return result
        case _:
            return Unsure(name)


def _changed(
    evaluator: Evaluator, receiver: Collection, name: str, arguments: list[Value]
) -> Value | None:
    """Change a collection in place and return the method's result; None for another method."""
    match name:
        case "append" | "add" | "insert" if arguments:
            if len(receiver.items) >= MOST_ITEMS:
                receiver.complete = Truth.UNKNOWN
                return NONE
            reached = evaluator.reached_from(receiver.made_in)
            at = len(receiver.items) if name != "insert" else _place(receiver, arguments[0])
            receiver.items.insert(at, Item(arguments[-1], reached))
        case "extend" | "update":
            for argument in arguments:
                extend(evaluator, receiver, argument)
        case "remove" | "discard" if arguments:
            _remove(evaluator, receiver, arguments[0])
        case "clear":
            charge(len(receiver.items))
            for item in receiver.items:
                item.present = weaker(item.present, evaluator.path.negate())
        case "pop":
            receiver.complete = Truth.UNKNOWN
            return Unsure("pop")
        case _:
            return None
    return NONE


def _place(receiver: Collection, index: Value) -> int:
    """Return where `insert` puts an element; at the end of a list in no known order."""
    count = len(receiver.items)
    if isinstance(index, Known) and isinstance(index.value, int):
        start = range(count)[: index.value] if index.value >= 0 else range(count)
        if all(receiver.items[each].present is Truth.TRUE for each in start):
            return index.value if index.value >= 0 else max(count + index.value, 0)
    receiver.in_order = False
    return count


def _rearrange(
    evaluator: Evaluator, receiver: Collection, name: str, keywords: Mapping[str, Value]
) -> None:
    """Sort or reverse a list in place; where the branch may not be taken, either order holds."""
    items = receiver.items[::-1] if name == "reverse" else sorted_items(receiver, keywords)
    if evaluator.path is Truth.TRUE and items is not None:
        receiver.items[:] = items
    else:
        receiver.in_order = False


def sorted_items(receiver: Collection, keywords: Mapping[str, Value]) -> list[Item] | None:
    """Return a list's elements as Python sorts them; None where that is not known."""
    charge(10 * len(receiver.items))
    is_reversed = keywords.get("reverse", Known(value=False))
    if not isinstance(is_reversed, Known) or "key" in keywords:
        return None
    try:
        keys = [plain(item.value) for item in receiver.items]
        order = sorted(range(len(keys)), key=keys.__getitem__, reverse=bool(is_reversed.value))
    except TypeError:
        return None
    certain = receiver.complete is Truth.TRUE
    return [receiver.items[number] for number in order] if certain else None


def plain(value: Value) -> Any:  # noqa: ANN401 -- whatever Python has
    """Return a value that is wholly known as Python has it.

    Raises:
        TypeError: for any other.
    """
    match value:
        case Known(known):
            return known
        case Collection("list" | "tuple" as kind, items, Truth.TRUE) if value.in_order:
            charge(len(items))
            if all(item.present is Truth.TRUE for item in items):
                parts = [plain(item.value) for item in items]
                return tuple(parts) if kind == "tuple" else parts
    raise TypeError


def extend(evaluator: Evaluator, receiver: Collection, argument: Value) -> None:
    """Add the elements of a value to a collection, as far as the path is reached."""
    items, complete = items_of(argument)
    if len(receiver.items) + len(items) > MOST_ITEMS:
        receiver.complete = Truth.UNKNOWN
        return
    reached = evaluator.reached_from(receiver.made_in)
    receiver.items.extend(Item(item.value, weaker(item.present, reached)) for item in items)
    receiver.complete = weaker(receiver.complete, complete)


def _remove(evaluator: Evaluator, receiver: Collection, value: Value) -> None:
    removed = Collection("list", [Item(value)])
    charge(10 * len(receiver.items))
    for item in receiver.items:
        gone = weaker(presence(item.value, removed), evaluator.path)
        item.present = weaker(item.present, gone.negate())
    receiver.items[:] = [item for item in receiver.items if item.present is not Truth.FALSE]


def duplicate(value: Collection) -> Collection:
    """Return a copy of a collection that can be changed on its own."""
    charge(3 * len(value.items))
    items = [Item(item.value, item.present) for item in value.items]
    return Collection(value.kind, items, value.complete, in_order=value.in_order)


def deep_copy(value: Value) -> Value:
    """Return what `copy.deepcopy` yields.

    Raises:
        OutOfSteps: there is too much of it.
        RecursionError: it holds itself.
    """
    charge(10)
    match value:
        case Collection(kind, items, complete):
            return Collection(kind, [Item(deep_copy(e.value), e.present) for e in items], complete)
        case Table(entries, complete):
            copies = {key: Item(deep_copy(e.value), e.present) for key, e in entries.items()}
            return Table(copies, complete)
        case Choice(options):
            return join([deep_copy(option) for option in options])
        case _:
            return value
