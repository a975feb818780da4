"""Functions over lists that build scripts call: built-ins, itertools, fnmatch."""

from __future__ import annotations

import ast
from fnmatch import fnmatchcase
from itertools import product
from math import prod
from typing import TYPE_CHECKING

from opparity.checker.facts.conditions import Truth
from opparity.checker.languages.interpreting import charge
from opparity.checker.languages.setup_py.collection_methods import sorted_items
from opparity.checker.languages.setup_py.comparisons import arithmetic
from opparity.checker.languages.setup_py.iteration import items_of, with_rest
from opparity.checker.languages.setup_py.lifting import lift
from opparity.checker.languages.setup_py.values import (
    MOST_ITEMS,
    Choice,
    Collection,
    CommandLine,
    Item,
    Known,
    Newest,
    Unsure,
    Value,
    join,
    truth_of_value,
    weaker,
)

if TYPE_CHECKING:
    from opparity.checker.languages.setup_py.expressions import Evaluator
    from opparity.checker.languages.setup_py.file_calls import Handler, Keywords

_LONGEST_RANGE = 1000


def _sum(_evaluator: Evaluator, arguments: list[Value], keywords: Keywords) -> Value:
    """Return `sum(lists, [])`, and the sum of numbers."""
    start = arguments[1] if len(arguments) > 1 else keywords.get("start", Known(0))
    items, complete = items_of(arguments[0]) if arguments else ([], Truth.UNKNOWN)
    if isinstance(start, Collection):
        found = [*start.items]
        for item in items:
            inner, whole = items_of(item.value)
            found += [Item(each.value, weaker(each.present, item.present)) for each in inner]
            complete = weaker(complete, whole)
        if len(found) > MOST_ITEMS:
            complete = Truth.UNKNOWN
        return Collection(start.kind, found[:MOST_ITEMS], complete)
    if complete is not Truth.TRUE or any(item.present is not Truth.TRUE for item in items):
        return Unsure("sum")
    total: Value = start
    for item in items:
        total = lift(arithmetic(ast.Add()), total, item.value)
    return total


def _filtered_names(evaluator: Evaluator, arguments: list[Value], _: Keywords) -> Value:
    """Return `fnmatch.filter(names, pattern)`."""
    if len(arguments) != 2 or not isinstance(arguments[1], Known):  # noqa: PLR2004 -- names, pattern
        return Unsure("fnmatch")
    pattern = str(arguments[1].value)
    items, complete = items_of(arguments[0])
    evaluator.count_step(len(items))
    kept = [
        item
        for item in items
        if not isinstance(item.value, Known) or fnmatchcase(str(item.value.value), pattern)
    ]
    return Collection("list", kept, complete)


def _flattened(_: Evaluator, arguments: list[Value], __: Keywords) -> Value:
    """Return `itertools.chain.from_iterable(lists)`."""
    items, complete = items_of(arguments[0]) if arguments else ([], Truth.UNKNOWN)
    parts = [(item.present, items_of(item.value)) for item in items]
    found = [
        Item(each.value, weaker(each.present, present))
        for present, (inner, _) in parts
        for each in inner
    ]
    return Collection("list", found, weaker(complete, *(whole for _, (_, whole) in parts)))


def _length(evaluator: Evaluator, arguments: list[Value], keywords: Keywords) -> Value:
    if not arguments or isinstance(arguments[0], Newest):
        return Unsure("len")
    if isinstance(arguments[0], Choice):
        return join([_length(evaluator, [each], keywords) for each in arguments[0].options])
    if isinstance(arguments[0], CommandLine):
        return Unsure("len", Truth.TRUE)
    items, complete = items_of(arguments[0])
    certain = [item.present is Truth.TRUE for item in items]
    if complete is Truth.TRUE and all(certain):
        return Known(len(items))
    return Unsure("len", truth_of_value(arguments[0]))


def _range(_: Evaluator, arguments: list[Value], __: Keywords) -> Value:
    limits = [value.value for value in arguments if isinstance(value, Known)]
    whole = [limit for limit in limits if isinstance(limit, int)]
    if len(whole) < len(arguments) or not whole or whole[-1] == 0:
        return Unsure("range")
    numbers = range(*whole[:3])[: _LONGEST_RANGE + 1]
    if len(numbers) > _LONGEST_RANGE:
        return Unsure("range")
    charge(3 * len(numbers))
    return Collection("list", [Item(Known(number)) for number in numbers])


def _collection(kind: str) -> Handler:
    def handle(evaluator: Evaluator, arguments: list[Value], _: Keywords) -> Value:
        if not arguments:
            return Collection(kind, [], made_in=evaluator.standing())
        if isinstance(arguments[0], Newest):
            return arguments[0]
        items, complete = items_of(arguments[0])
        copied = [Item(item.value, item.present) for item in items]
        in_order = getattr(arguments[0], "in_order", True)
        return Collection(kind, copied, complete, evaluator.standing(), in_order)

    return handle


def _sorted(evaluator: Evaluator, arguments: list[Value], keywords: Keywords) -> Value:
    copied = _collection("list")(evaluator, arguments[:1], keywords)
    if isinstance(copied, Collection):
        items = sorted_items(copied, keywords)
        copied.in_order = items is not None
        copied.items = copied.items if items is None else items
    return copied


def _reversed(evaluator: Evaluator, arguments: list[Value], keywords: Keywords) -> Value:
    copied = _collection("list")(evaluator, arguments[:1], keywords)
    if isinstance(copied, Collection):
        copied.items.reverse()
    return copied


def _mapped(evaluator: Evaluator, arguments: list[Value], _: Keywords) -> Value:
    if len(arguments) != 2:  # noqa: PLR2004 -- map(function, iterable)
        return Unsure("map")
    function, over = arguments
    if isinstance(over, Newest):
        return over
    items, complete = items_of(over)
    return Collection(
        "list",
        [_applied(evaluator, function, item) for item in with_rest(items, complete)],
        complete,
    )


def _applied(evaluator: Evaluator, function: Value, item: Item) -> Item:
    with evaluator.reached_if(item.present):
        return Item(evaluator.apply(function, [item.value]), item.present)


def _filtered(evaluator: Evaluator, arguments: list[Value], _: Keywords) -> Value:
    if len(arguments) != 2:  # noqa: PLR2004 -- filter(function, iterable)
        return Unsure("filter")
    function, over = arguments
    items, complete = items_of(over)
    kept = [
        Item(
            item.value,
            weaker(item.present, truth_of_value(evaluator.apply(function, [item.value]))),
        )
        for item in items
    ]
    return Collection("list", [item for item in kept if item.present is not Truth.FALSE], complete)


def _every(_: Evaluator, arguments: list[Value], __: Keywords) -> Value:
    items, complete = items_of(arguments[0]) if arguments else ([], Truth.UNKNOWN)
    truth = weaker(complete, *(truth_of_value(item.value) for item in items))
    return Unsure("all") if truth is Truth.UNKNOWN else Known(truth is Truth.TRUE)


def _some(_: Evaluator, arguments: list[Value], __: Keywords) -> Value:
    items, complete = items_of(arguments[0]) if arguments else ([], Truth.UNKNOWN)
    truths = [weaker(truth_of_value(item.value), item.present) for item in items]
    if Truth.TRUE in truths:
        return Known(value=True)
    if complete is Truth.TRUE and Truth.UNKNOWN not in truths:
        return Known(value=False)
    return Unsure("any")


def _pairs(_evaluator: Evaluator, arguments: list[Value], keywords: Keywords) -> Value:
    items, complete = items_of(arguments[0]) if arguments else ([], Truth.UNKNOWN)
    first = arguments[1] if len(arguments) > 1 else keywords.get("start", Known(0))
    add = arithmetic(ast.Add())
    rows = [
        Item(
            Collection("tuple", [Item(lift(add, first, Known(number))), Item(item.value)]),
            item.present,
        )
        for number, item in enumerate(items)
    ]
    return Collection("list", rows, complete)


def _zipped(_: Evaluator, arguments: list[Value], __: Keywords) -> Value:
    columns = [items_of(argument) for argument in arguments]
    rows = [
        Item(
            Collection("tuple", [Item(item.value) for item in row]),
            weaker(*(item.present for item in row)),
        )
        for row in zip(*(items for items, _ in columns), strict=False)
    ]
    return Collection("list", rows, weaker(*(complete for _, complete in columns)))


def _chained(_: Evaluator, arguments: list[Value], __: Keywords) -> Value:
    parts = [items_of(argument) for argument in arguments]
    items = [item for found, _ in parts for item in found]
    return Collection("list", items, weaker(*(complete for _, complete in parts)))


def _product(_: Evaluator, arguments: list[Value], __: Keywords) -> Value:
    columns = [items_of(argument) for argument in arguments]
    if prod(len(items) for items, _ in columns) > _LONGEST_RANGE:
        return Unsure("product")
    rows = [
        Item(
            Collection("tuple", [Item(item.value) for item in row]),
            weaker(*(item.present for item in row)),
        )
        for row in product(*(items for items, _ in columns))
    ]
    return Collection("list", rows, weaker(*(complete for _, complete in columns)))


SEQUENCE_FUNCTIONS: dict[str, Handler] = {
    "sum": _sum,
    "fnmatch.filter": _filtered_names,
    "itertools.chain.from_iterable": _flattened,
    "len": _length,
    "range": _range,
    "list": _collection("list"),
    "sorted": _sorted,
    "reversed": _reversed,
    "tuple": _collection("tuple"),
    "set": _collection("set"),
    "frozenset": _collection("set"),
    "map": _mapped,
    "filter": _filtered,
    "all": _every,
    "any": _some,
    "enumerate": _pairs,
    "zip": _zipped,
    "itertools.chain": _chained,
    "itertools.product": _product,
}
