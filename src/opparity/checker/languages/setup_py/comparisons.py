"""Comparisons and binary operations of values that may not be known."""

from __future__ import annotations

import ast
import operator
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from opparity.checker.facts.conditions import Truth, any_of, truth_of
from opparity.checker.languages.interpreting import charge, charge_text
from opparity.checker.languages.setup_py.iteration import items_of
from opparity.checker.languages.setup_py.values import (
    MOST_ITEMS,
    Choice,
    Collection,
    CommandLine,
    Item,
    Known,
    Library,
    Newest,
    Plain,
    Table,
    Unsure,
    Value,
    agreement,
    key_of,
    weaker,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from opparity.checker.languages.setup_py.world import World

_ORDER: dict[type[ast.cmpop], Callable[..., bool]] = {
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}
_NEWEST_IS_LEFT = {ast.Lt: False, ast.LtE: False, ast.Gt: True, ast.GtE: True}


def compare(kind: ast.cmpop, left: Value, right: Value, world: World) -> Truth:
    """Return whether a comparison holds."""
    if isinstance(left, Choice):
        return agreement([compare(kind, option, right, world) for option in left.options])
    if isinstance(right, Choice):
        return agreement([compare(kind, left, option, world) for option in right.options])
    match kind:
        case ast.Eq():
            return _equal(left, right)
        case ast.NotEq():
            return _equal(left, right).negate()
        case ast.Is():
            return _identical(left, right)
        case ast.IsNot():
            return _identical(left, right).negate()
        case ast.In():
            return _contained(left, right, world)
        case ast.NotIn():
            return _contained(left, right, world).negate()
        case _:
            return _ordered(kind, left, right)


def _equal(left: Value, right: Value) -> Truth:
    if isinstance(left, Known) and isinstance(right, Known):
        return truth_of(left.value == right.value)
    if isinstance(left, Newest) or isinstance(right, Newest):
        is_known = isinstance(left, Known) or isinstance(right, Known)
        return Truth.FALSE if is_known else Truth.UNKNOWN
    left_key, right_key = key_of(left), key_of(right)
    if isinstance(left_key, Unsure) or isinstance(right_key, Unsure):
        return Truth.UNKNOWN
    return truth_of(left_key == right_key)


def _identical(left: Value, right: Value) -> Truth:
    if isinstance(left, Known) and isinstance(right, Known):
        return truth_of(left.value is right.value or left.value == right.value)
    for value, other in ((left, right), (right, left)):
        if value == Known(None):
            return _is_none(other)
    return Truth.TRUE if left is right else Truth.UNKNOWN


def _is_none(value: Value) -> Truth:
    if isinstance(value, Unsure):
        return Truth.FALSE if value.truth is Truth.TRUE else Truth.UNKNOWN
    return Truth.UNKNOWN if isinstance(value, Library) else Truth.FALSE


# What torch's version has on each platform: "2.9.0+cu128".
_VERSION_WORDS = {"cu": "cuda", "+cu": "cuda", "rocm": "rocm", "+rocm": "rocm", "xpu": "xpu"}


def _contained(left: Value, right: Value, world: World) -> Truth:
    if isinstance(right, Library) and right.name == "os.environ" and isinstance(left, Known):
        return truth_of(world.variable(str(left.value), Known(None)) != Known(None))
    if isinstance(left, Known) and isinstance(right, Newest) and left.value in _VERSION_WORDS:
        return truth_of(_VERSION_WORDS[left.value] == world.platform.name)
    if isinstance(right, CommandLine) and isinstance(left, Known):
        return world.option(str(left.value))
    if isinstance(left, Known) and isinstance(right, Known):
        if isinstance(left.value, str) and isinstance(right.value, str):
            charge_text(len(right.value))
            return truth_of(left.value in right.value)
        return Truth.UNKNOWN
    if not isinstance(right, Collection | Table):
        return Truth.UNKNOWN
    return presence(left, right)


def presence(value: Value, collection: Value) -> Truth:
    """Return whether a value is an element of a collection."""
    return _Members(collection).presence(value)


class _Members:
    """What is asked of one collection for many values; those it knows are found by their keys.

    Of two lists of 650 files, as xformers' setup.py takes one from the other, each pair would be
    compared otherwise, and the steps of a build used up.
    """

    def __init__(self, collection: Value) -> None:
        items, self.complete = items_of(collection)
        charge(8 * len(items))
        self.known: dict[object, list[Item]] = {}
        self.others: list[Item] = []
        for item in items:
            key = key_of(item.value)
            place = self.others if isinstance(key, Unsure) else self.known.setdefault(key, [])
            place.append(item)

    def presence(self, value: Value) -> Truth:
        """Return whether a value is among them."""
        key = key_of(value)
        if isinstance(key, Unsure):
            is_empty = not self.known and not self.others
            return Truth.FALSE if is_empty and self.complete is Truth.TRUE else Truth.UNKNOWN
        near = [*self.known.get(key, ()), *self.others]
        charge(8 * (1 + len(near)))
        found = any_of([weaker(item.present, _equal(value, item.value)) for item in near])
        is_open = found is Truth.FALSE and self.complete is not Truth.TRUE
        return Truth.UNKNOWN if is_open else found


def _ordered(kind: ast.cmpop, left: Value, right: Value) -> Truth:
    if isinstance(left, Newest) or isinstance(right, Newest):
        if isinstance(left, Newest) and isinstance(right, Newest):
            return Truth.UNKNOWN
        is_left = isinstance(left, Newest)
        return truth_of(_NEWEST_IS_LEFT[type(kind)] is is_left)
    if isinstance(left, Known) and isinstance(right, Known):
        try:
            return truth_of(_ORDER[type(kind)](left.value, right.value))
        except TypeError:
            return Truth.UNKNOWN
    return Truth.UNKNOWN


def combine_collections(kind: ast.operator, left: Collection, right: Collection) -> Value | None:
    """Return the sum, union, difference or intersection of two collections."""
    whole = weaker(left.complete, right.complete)
    match kind:
        case ast.Add() | ast.BitOr() if len(left.items) + len(right.items) <= MOST_ITEMS:
            return Collection(left.kind, [*_copies(left), *_copies(right)], whole)
        case ast.Sub():
            return difference(left, right)
        case ast.BitAnd():
            among = _Members(right)
            kept = [Item(e.value, weaker(e.present, among.presence(e.value))) for e in left.items]
            return Collection(left.kind, [e for e in kept if e.present is not Truth.FALSE], whole)
        case _:
            return None


def difference(left: Collection, right: Value) -> Collection:
    """Return the elements of one collection that are not in another."""
    among = _Members(right)
    kept = [
        Item(item.value, weaker(item.present, among.presence(item.value).negate()))
        for item in left.items
    ]
    present = [item for item in kept if item.present is not Truth.FALSE]
    return Collection(left.kind, present, left.complete)


def _copies(collection: Collection) -> list[Item]:
    charge(3 * len(collection.items))
    return [Item(item.value, item.present) for item in collection.items]


_LARGEST = 10**9
_LONGEST_REPEAT = 20_000


def arithmetic(kind: ast.operator) -> Callable[[Plain, Plain], Plain]:
    """Return the function of constants that an operator stands for.

    Raises:
        TypeError: (from the function) the operands do not go together, or are too large.
    """

    def apply(left: Plain, right: Plain) -> Plain:
        match kind, left, right:
            case ast.Add(), str(), str():
                charge_text(len(left) + len(right))
                return left + right
            case ast.Div(), PurePosixPath(), str() | PurePosixPath():
                return left / right
            case ast.Div(), str(), PurePosixPath():
                return left / right
            case ast.Mult(), str(), int() if len(left) * right < _LONGEST_REPEAT:
                return left * right
            case ast.Mod(), str(), str() | int() if left.count("%") == left.count("%s") == 1:
                return left % right
            case _, int() | float(), int() | float():
                return _number(kind, left, right)
        raise TypeError

    return apply


def _number(kind: ast.operator, left: float, right: float) -> float:
    if abs(left) > _LARGEST or abs(right) > _LARGEST:
        raise TypeError
    match kind:
        case ast.Add():
            return left + right
        case ast.Sub():
            return left - right
        case ast.Mult():
            return left * right
        case ast.FloorDiv():
            return left // right
        case ast.Div():
            return left / right
        case ast.Mod():
            return left % right
    raise TypeError
