"""What a value of a build script yields that is gone through, and how sure each part of it is."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from opparity.checker.facts.conditions import Truth
from opparity.checker.languages.interpreting import charge
from opparity.checker.languages.setup_py.values import (
    Choice,
    Collection,
    File,
    Item,
    Known,
    Plain,
    Table,
    Unsure,
    Value,
    agreement,
    weaker,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opparity.checker.facts.places import Location


_DEEPEST = 200


def items_of(value: Value) -> tuple[list[Item], Truth]:
    """Return what iteration yields, and whether that is all of it."""
    charge(_size(value))
    match value:
        case Collection(_, items, complete):
            return list(items), complete
        case Table(entries, complete):
            return [Item(_key_value(key), item.present) for key, item in entries.items()], complete
        case Known(str() as text):
            return [Item(Known(character)) for character in text], Truth.TRUE
        case File(text):
            return [Item(Known(line)) for line in text.splitlines(keepends=True)], Truth.TRUE
        case Choice(options):
            found: list[Item] = []
            wholes = []
            for option in options:
                items, complete = items_of(option)
                found.extend(Item(item.value, _at_most_unknown(item.present)) for item in items)
                wholes.append(complete)
            return found, agreement(wholes)
        case _:
            return [], Truth.UNKNOWN


def with_rest(items: list[Item], complete: Truth) -> list[Item]:
    """Return elements, and one more for those that are not known, where there may be some."""
    rest = [] if complete is Truth.TRUE else [Item(Unsure("element"), Truth.UNKNOWN)]
    return items + rest


def _size(value: Value) -> int:
    """Return how many elements iteration yields, about."""
    match value:
        case Collection(_, items):
            return len(items)
        case Table(entries):
            return 5 * len(entries)
        case Known(str() as text) | File(text):
            return 5 * len(text)
        case _:
            return 0


def _key_value(key: Plain | tuple[Plain, ...]) -> Value:
    if isinstance(key, tuple):
        return Collection("tuple", [Item(Known(part)) for part in key])
    return Known(key)


def _at_most_unknown(truth: Truth) -> Truth:
    return Truth.FALSE if truth is Truth.FALSE else Truth.UNKNOWN


def strings_of(value: Value) -> Iterator[tuple[str, Truth, Location | None]]:
    """Yield every string in a value, nested collections included, with its presence.

    Raises:
        OutOfSteps: there are too many; lists that hold lists may have more than memory would.
        RecursionError: a list holds itself.
    """
    for part, present in _parts_of(value):
        match part:
            case Known(str() as text, origin):
                yield text, present, origin
            case Known(PurePosixPath() as path, origin):
                yield path.as_posix(), present, origin


def wholeness(value: Value) -> Truth:
    """Return whether a list is known to its end, and each of its elements with it.

    Raises:
        OutOfSteps: as in `strings_of`; and
        RecursionError: likewise.
    """
    _, complete = items_of(value)
    is_open = any(not isinstance(part, Known) for part, _ in _parts_of(value))
    return weaker(complete, Truth.UNKNOWN) if is_open else complete


def _parts_of(value: Value) -> Iterator[tuple[Value, Truth]]:
    """Yield what a value holds that is no list, and for a list's unknown rest something unsure.

    Raises:
        OutOfSteps: there are too many; lists that hold lists may have more than memory would.
        RecursionError: a list holds itself.
    """
    # Lists to go through, from the outermost in, each with how sure its elements are at most.
    around: list[tuple[Iterator[Item], Truth]] = [(iter([Item(value)]), Truth.TRUE)]
    while around:
        items, present = around[-1]
        item = next(items, None)
        charge(10)
        if item is None:
            around.pop()
            continue
        here = weaker(present, item.present)
        match item.value:
            case Collection(_, inner, complete):
                around.append((iter(with_rest(inner, complete)), here))
            case Choice(options):
                around.append((iter(map(Item, options)), _at_most_unknown(here)))
            case part:
                yield part, here
        if len(around) > _DEEPEST:
            raise RecursionError
