"""Functions outside the tree that build scripts call: os.path, glob, pathlib, built-ins."""

from __future__ import annotations

import ast
import posixpath
from fnmatch import fnmatchcase
from itertools import product
from math import prod
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from opparity.checker.facts.conditions import Truth
from opparity.checker.languages.interpreting import charge
from opparity.checker.languages.setup_py.comparisons import arithmetic
from opparity.checker.languages.setup_py.file_calls import FILE_FUNCTIONS, Handler, Keywords
from opparity.checker.languages.setup_py.methods import deep_copy
from opparity.checker.languages.setup_py.values import (
    MOST_ITEMS,
    NONE,
    Choice,
    Class,
    Collection,
    CommandLine,
    Instance,
    Item,
    Known,
    Library,
    Newest,
    Plain,
    Table,
    Unsure,
    Value,
    items_of,
    join,
    truth_of_value,
    weaker,
)
from opparity.checker.languages.setup_py.world import VENDOR_DEVICES

if TYPE_CHECKING:
    from collections.abc import Callable

    from opparity.checker.languages.setup_py.expressions import Evaluator

_LONGEST_RANGE = 1000


def call_library(
    evaluator: Evaluator, name: str, arguments: list[Value], keywords: Keywords
) -> Value:
    """Return what a function outside the tree yields; Unsure for one that is not known."""
    answer = evaluator.world.called(name)
    if answer is not None:
        return answer
    short = name.removeprefix("builtins.").replace("os.environ.get", "os.getenv")
    handler = _FUNCTIONS.get(short)
    if handler is not None:
        return handler(evaluator, arguments, keywords)
    if any(isinstance(argument, Newest) for argument in arguments):
        return Newest()
    return Unsure(name)


def _variable(evaluator: Evaluator, arguments: list[Value], keywords: Keywords) -> Value:
    default = arguments[1] if len(arguments) > 1 else keywords.get("default", NONE)
    if arguments and isinstance(arguments[0], Known):
        return evaluator.world.variable(str(arguments[0].value), default)
    return Unsure("variable")


def _path_function(function: Callable[..., Plain]) -> Handler:
    def handle(evaluator: Evaluator, arguments: list[Value], _: Keywords) -> Value:
        return evaluator.lift(lambda *parts: function(*map(str, parts)), *arguments)

    return handle


def _absolute(evaluator: Evaluator, arguments: list[Value], _: Keywords) -> Value:
    return evaluator.lift(lambda path: evaluator.paths.absolute(str(path)), *arguments[:1])


def _split_suffix(evaluator: Evaluator, arguments: list[Value], _: Keywords) -> Value:
    halves = [
        evaluator.lift(lambda path, half=half: posixpath.splitext(str(path))[half], *arguments[:1])
        for half in (0, 1)
    ]
    return Collection("tuple", [Item(half) for half in halves])


def _relative(evaluator: Evaluator, arguments: list[Value], _: Keywords) -> Value:
    def apart(path: Plain, start: Plain = ".") -> Plain:
        absolute = evaluator.paths.absolute
        return posixpath.relpath(absolute(str(path)), absolute(str(start)))

    return evaluator.lift(apart, *arguments[:2])


def _sum(evaluator: Evaluator, arguments: list[Value], keywords: Keywords) -> Value:
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
        total = evaluator.lift(arithmetic(ast.Add()), total, item.value)
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


def _as_path(evaluator: Evaluator, arguments: list[Value], _: Keywords) -> Value:
    return evaluator.lift(lambda *parts: PurePosixPath(*map(str, parts)), *arguments)


def _here(evaluator: Evaluator, _: list[Value], __: Keywords) -> Value:
    return Known(evaluator.paths.absolute_folder)


def _text(evaluator: Evaluator, arguments: list[Value], _: Keywords) -> Value:
    return evaluator.lift(str, *arguments[:1]) if arguments else Known("")


def _integer(evaluator: Evaluator, arguments: list[Value], _: Keywords) -> Value:
    return evaluator.lift(lambda text: int(str(text)), *arguments[:1]) if arguments else Known(0)


def _float(evaluator: Evaluator, arguments: list[Value], _: Keywords) -> Value:
    return evaluator.lift(lambda text: float(str(text)), *arguments[:1]) if arguments else Known(0)


def _extreme(choose: Callable[[list[float]], float]) -> Handler:
    """Return `max` or `min` of numbers that are all known; Unsure for anything else."""

    def handle(_: Evaluator, arguments: list[Value], keywords: Keywords) -> Value:
        if len(arguments) == 1:
            items, complete = items_of(arguments[0])
        else:
            items, complete = [Item(argument) for argument in arguments], Truth.TRUE
        numbers = [
            item.value.value
            for item in items
            if item.present is Truth.TRUE
            and isinstance(item.value, Known)
            and isinstance(item.value.value, int | float)
        ]
        is_known = complete is Truth.TRUE and numbers and len(numbers) == len(items)
        return Known(choose(numbers)) if is_known and not keywords else Unsure("extreme")

    return handle


def _boolean(_: Evaluator, arguments: list[Value], __: Keywords) -> Value:
    truth = truth_of_value(arguments[0]) if arguments else Truth.FALSE
    return Unsure("bool") if truth is Truth.UNKNOWN else Known(truth is Truth.TRUE)


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
        return Collection(kind, copied, complete, evaluator.standing())

    return handle


def _dictionary(_: Evaluator, arguments: list[Value], keywords: Keywords) -> Value:
    table = Table({})
    if arguments and isinstance(arguments[0], Table):
        table.entries.update(arguments[0].entries)
    elif arguments:
        table.complete = Truth.UNKNOWN
    table.entries.update({name: Item(value) for name, value in keywords.items()})
    return table


def _mapped(evaluator: Evaluator, arguments: list[Value], _: Keywords) -> Value:
    if len(arguments) != 2:  # noqa: PLR2004 -- map(function, iterable)
        return Unsure("map")
    function, over = arguments
    if isinstance(over, Newest):
        return over
    items, complete = items_of(over)
    return Collection(
        "list",
        [Item(evaluator.apply(function, [item.value]), item.present) for item in items],
        complete,
    )


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


def _pairs(evaluator: Evaluator, arguments: list[Value], keywords: Keywords) -> Value:
    items, complete = items_of(arguments[0]) if arguments else ([], Truth.UNKNOWN)
    first = arguments[1] if len(arguments) > 1 else keywords.get("start", Known(0))
    add = arithmetic(ast.Add())
    rows = [
        Item(
            Collection(
                "tuple", [Item(evaluator.lift(add, first, Known(number))), Item(item.value)]
            ),
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


def _has(evaluator: Evaluator, arguments: list[Value], _: Keywords) -> Value:
    if len(arguments) == 2 and isinstance(arguments[1], Known):  # noqa: PLR2004 -- hasattr(a, b)
        owner, name = arguments[0], str(arguments[1].value)
        if isinstance(owner, Library):
            answer = evaluator.world.called(f"{owner.name}.{name}")
            if isinstance(answer, Known) and not answer.value:
                return Known(value=False)
            if owner.name not in {"torch", "torch.backends"}:
                return Unsure("hasattr")
            return Known(name not in VENDOR_DEVICES or name == evaluator.world.platform.name)
        if isinstance(owner, Instance | Class):
            of = owner.of if isinstance(owner, Instance) else owner
            names = owner.names if isinstance(owner, Instance) else {}
            found = name in names or any(name in each.names for each in of.lineage())
            return Known(value=True) if found else Unsure("hasattr")
    return Unsure("hasattr")


def _get(evaluator: Evaluator, arguments: list[Value], _: Keywords) -> Value:
    if len(arguments) > 1 and isinstance(arguments[1], Known):
        return evaluator.attribute(arguments[0], str(arguments[1].value))
    return Unsure("getattr")


def _copied(_: Evaluator, arguments: list[Value], __: Keywords) -> Value:
    return deep_copy(arguments[0]) if arguments else NONE


def _defaults(evaluator: Evaluator, arguments: list[Value], keywords: Keywords) -> Value:
    if len(arguments) < 2:  # noqa: PLR2004 -- a name and a value
        return Unsure("default")
    value = _variable(evaluator, arguments, keywords)
    if isinstance(arguments[0], Known) and evaluator.path is Truth.TRUE:
        evaluator.world.given.setdefault(str(arguments[0].value), value)
    return value


def _first(_: Evaluator, arguments: list[Value], __: Keywords) -> Value:
    return arguments[0] if arguments else NONE


_FUNCTIONS: dict[str, Handler] = {
    **FILE_FUNCTIONS,
    "os.getenv": _variable,
    "os.environ.setdefault": _defaults,
    "os.path.join": _path_function(posixpath.join),
    "os.path.dirname": _path_function(posixpath.dirname),
    "os.path.basename": _path_function(posixpath.basename),
    "os.path.normpath": _path_function(posixpath.normpath),
    "os.path.relpath": _relative,
    "os.path.splitext": _split_suffix,
    "os.path.abspath": _absolute,
    "os.path.realpath": _absolute,
    "sum": _sum,
    "fnmatch.filter": _filtered_names,
    "itertools.chain.from_iterable": _flattened,
    "importlib.util.module_from_spec": _first,
    "os.getcwd": _here,
    "pathlib.Path.cwd": _here,
    "pathlib.Path": _as_path,
    "pathlib.PurePath": _as_path,
    "copy.deepcopy": _copied,
    "copy.copy": _copied,
    "str": _text,
    "int": _integer,
    "float": _float,
    "max": _extreme(max),
    "min": _extreme(min),
    "bool": _boolean,
    "len": _length,
    "range": _range,
    "list": _collection("list"),
    "sorted": _collection("list"),
    "reversed": _collection("list"),
    "tuple": _collection("tuple"),
    "set": _collection("set"),
    "frozenset": _collection("set"),
    "dict": _dictionary,
    "map": _mapped,
    "filter": _filtered,
    "all": _every,
    "any": _some,
    "enumerate": _pairs,
    "zip": _zipped,
    "hasattr": _has,
    "getattr": _get,
    "itertools.chain": _chained,
    "itertools.product": _product,
    "os.fspath": _first,
}
