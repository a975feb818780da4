"""Functions outside the tree that build scripts call: os.path, glob, pathlib, built-ins."""

from __future__ import annotations

import posixpath
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from opparity.checker.facts.conditions import Truth
from opparity.checker.languages.setup_py.collection_methods import deep_copy
from opparity.checker.languages.setup_py.file_calls import FILE_FUNCTIONS, Handler, Keywords
from opparity.checker.languages.setup_py.iteration import items_of
from opparity.checker.languages.setup_py.lifting import lift
from opparity.checker.languages.setup_py.sequence_calls import SEQUENCE_FUNCTIONS
from opparity.checker.languages.setup_py.values import (
    NONE,
    Class,
    Collection,
    Instance,
    Item,
    Known,
    Library,
    Newest,
    Plain,
    Table,
    Unsure,
    Value,
    truth_of_value,
)
from opparity.checker.languages.setup_py.world import VENDOR_DEVICES

if TYPE_CHECKING:
    from collections.abc import Callable

    from opparity.checker.languages.setup_py.expressions import Evaluator


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
    def handle(_evaluator: Evaluator, arguments: list[Value], _: Keywords) -> Value:
        return lift(lambda *parts: function(*map(str, parts)), *arguments)

    return handle


def _absolute(evaluator: Evaluator, arguments: list[Value], _: Keywords) -> Value:
    return lift(lambda path: evaluator.paths.absolute(str(path)), *arguments[:1])


def _split_suffix(_evaluator: Evaluator, arguments: list[Value], _: Keywords) -> Value:
    halves = [
        lift(lambda path, half=half: posixpath.splitext(str(path))[half], *arguments[:1])
        for half in (0, 1)
    ]
    return Collection("tuple", [Item(half) for half in halves])


def _relative(evaluator: Evaluator, arguments: list[Value], _: Keywords) -> Value:
    def apart(path: Plain, start: Plain = ".") -> Plain:
        absolute = evaluator.paths.absolute
        return posixpath.relpath(absolute(str(path)), absolute(str(start)))

    return lift(apart, *arguments[:2])


def _as_path(_evaluator: Evaluator, arguments: list[Value], _: Keywords) -> Value:
    if Known(None) in arguments:
        return Unsure("fails")  # `Path(os.getenv(…))` is for those who set the variable
    return lift(lambda *parts: PurePosixPath(*map(str, parts)), *arguments)


def _here(evaluator: Evaluator, _: list[Value], __: Keywords) -> Value:
    return Known(evaluator.paths.absolute_folder)


def _here_as_path(evaluator: Evaluator, _: list[Value], __: Keywords) -> Value:
    return Known(PurePosixPath(evaluator.paths.absolute_folder))


def _text(_evaluator: Evaluator, arguments: list[Value], _: Keywords) -> Value:
    return lift(str, *arguments[:1]) if arguments else Known("")


def _integer(_evaluator: Evaluator, arguments: list[Value], _: Keywords) -> Value:
    return lift(lambda text: int(str(text)), *arguments[:1]) if arguments else Known(0)


def _float(_evaluator: Evaluator, arguments: list[Value], _: Keywords) -> Value:
    return lift(lambda text: float(str(text)), *arguments[:1]) if arguments else Known(0)


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


def _dictionary(_: Evaluator, arguments: list[Value], keywords: Keywords) -> Value:
    table = Table({})
    if arguments and isinstance(arguments[0], Table):
        table.entries.update(arguments[0].entries)
    elif arguments:
        table.complete = Truth.UNKNOWN
    table.entries.update({name: Item(value) for name, value in keywords.items()})
    return table


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
    **SEQUENCE_FUNCTIONS,
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
    "importlib.util.module_from_spec": _first,
    "os.getcwd": _here,
    "pathlib.Path.cwd": _here_as_path,
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
    "dict": _dictionary,
    "hasattr": _has,
    "getattr": _get,
    "os.fspath": _first,
}
