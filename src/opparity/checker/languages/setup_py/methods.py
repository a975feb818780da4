"""Methods of values as build scripts use them; those of text, files and paths."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from opparity.checker.facts.conditions import Truth, any_of
from opparity.checker.languages.interpreting import charge, charge_text
from opparity.checker.languages.setup_py.collection_methods import call_collection
from opparity.checker.languages.setup_py.iteration import items_of
from opparity.checker.languages.setup_py.lifting import lift
from opparity.checker.languages.setup_py.table_methods import call_table
from opparity.checker.languages.setup_py.values import (
    NONE,
    Collection,
    File,
    Item,
    Known,
    Module,
    Plain,
    Table,
    Unsure,
    Value,
    truth_of_value,
    weaker,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from opparity.checker.languages.setup_py.expressions import Evaluator

_TEXT_METHODS = frozenset(
    {
        "capitalize",
        "count",
        "endswith",
        "find",
        "isdigit",
        "lower",
        "lstrip",
        "removeprefix",
        "removesuffix",
        "rstrip",
        "startswith",
        "strip",
        "title",
        "upper",
    }
)
_PATH_METHODS = frozenset(["with_suffix", "with_name", "with_stem", "as_posix", "joinpath"])
_UNCHANGED_PATH = frozenset({"resolve", "absolute", "expanduser"})
_LARGEST_RESULT = 4_000_000
_ASKING = frozenset({"exists", "is_dir", "is_file", "open", "read_text"})
_PATTERN_METHODS = frozenset({"glob", "rglob"})


def call_method(
    evaluator: Evaluator,
    receiver: Value,
    name: str,
    arguments: list[Value],
    keywords: Mapping[str, Value],
) -> Value:
    """Return what `receiver.name(*arguments)` yields; collections are changed in place."""
    match receiver:
        case Known(str()):
            return _text(receiver, name, arguments)
        case Known(PurePosixPath() as path):
            return _path(evaluator, receiver, path, name, arguments)
        case File(text):
            return _file(text, name)
        case Module() if name == "load_module":
            return receiver
        case Collection():
            return call_collection(evaluator, receiver, name, arguments, keywords)
        case Table():
            return call_table(evaluator, receiver, name, arguments)
        case _:
            return Unsure(name)


def _text(text: Known, name: str, arguments: list[Value]) -> Value:
    if name == "replace":
        return lift(_replaced, text, *arguments)
    if name in {"startswith", "endswith"} and arguments and isinstance(arguments[0], Collection):
        return _one_of(text, name, arguments[0])
    if name in _TEXT_METHODS:
        return lift(lambda value, *rest: getattr(value, name)(*rest), text, *arguments)
    if name in {"split", "rsplit", "splitlines"}:
        parts = [lift(str, value) for value in arguments]
        if all(isinstance(part, Known) for part in parts):
            given = [value.value for value in arguments if isinstance(value, Known)]
            try:
                charge_text(len(str(text.value)))
                pieces = getattr(str(text.value), name)(*given)
            except (TypeError, ValueError):
                return Unsure(name)
            charge(5 * len(pieces))
            return Collection("list", [Item(Known(piece, text.origin)) for piece in pieces])
    if name == "join" and arguments:
        items, complete = items_of(arguments[0])
        if complete is Truth.TRUE and all(item.present is Truth.TRUE for item in items):
            return lift(_joined, text, *(item.value for item in items))
    plain = ":" not in str(text.value)  # a width may ask for any amount of memory
    if name == "format" and plain and str(text.value).count("{") <= len(arguments):
        return lift(_filled_in, text, *arguments)
    return Unsure(name)


def _filled_in(template: Plain, *values: Plain) -> Plain:
    texts = [str(value) for value in values]
    if len(texts) * max(map(len, texts), default=0) > _LARGEST_RESULT:
        raise ValueError
    return str(template).format(*texts)


def _one_of(text: Known, name: str, ends: Collection) -> Value:
    """Return whether a text has one of several ends: `name.endswith((".cpp", ".cu"))`."""
    items, complete = items_of(ends)
    found = [lift(lambda v, e: getattr(v, name)(e), text, item.value) for item in items]
    truth = any_of([weaker(truth_of_value(each)) for each in found])
    if truth is Truth.UNKNOWN or (truth is Truth.FALSE and complete is not Truth.TRUE):
        return Unsure(name)
    return Known(truth is Truth.TRUE)


def _file(text: str, name: str) -> Value:
    match name:
        case "read":
            return Known(text)
        case "readlines":
            return Collection("list", items_of(File(text))[0])
        case "readline":
            return Known(text.partition("\n")[0] + "\n")
        case "close":
            return NONE
        case _:
            return Unsure(name)


def _replaced(text: Plain, old: Plain, new: Plain) -> Plain:
    if not (isinstance(text, str) and isinstance(old, str) and isinstance(new, str)):
        raise TypeError
    if (len(text) + 1) * (len(new) + 1) > _LARGEST_RESULT:
        raise ValueError
    return text.replace(old, new)


def _joined(separator: Plain, *parts: Plain) -> Plain:
    texts = [str(part) for part in parts]
    if sum(map(len, texts)) + len(str(separator)) * len(texts) > _LARGEST_RESULT:
        raise ValueError
    return str(separator).join(texts)


def _path(
    evaluator: Evaluator, value: Known, path: PurePosixPath, name: str, arguments: list[Value]
) -> Value:
    paths = evaluator.paths
    if name in _PATH_METHODS:
        return lift(lambda first, *rest: getattr(first, name)(*rest), value, *arguments)
    if name in _UNCHANGED_PATH:
        return Known(PurePosixPath(paths.absolute(path.as_posix())), value.origin)
    if name in _ASKING:
        return _asked(evaluator, value, path, name)
    if name in _PATTERN_METHODS and arguments and isinstance(arguments[0], Known):
        pattern = str(arguments[0].value)
        if name == "rglob":
            pattern = "**/" + pattern
        found = paths.glob((path / pattern).as_posix(), recursive=True)
        origin = evaluator.position
        return Collection("list", [Item(Known(PurePosixPath(each), origin)) for each in found])
    if name == "iterdir":
        names = paths.listing(path.as_posix())
        return Collection("list", [Item(Known(path / each, evaluator.position)) for each in names])
    if name == "relative_to" and arguments:
        return lift(_relative, value, arguments[0])
    return Unsure(name)


def _asked(evaluator: Evaluator, value: Known, path: PurePosixPath, name: str) -> Value:
    """Return what the tree says of a path: whether it is there, or what it holds."""
    paths = evaluator.paths
    if name == "is_file":
        return _answer(paths.is_file(path.as_posix()))
    if name == "is_dir":
        return _answer(paths.is_folder(path.as_posix()))
    if name == "exists":
        return _answer(paths.exists(path.as_posix()))
    content = paths.text(path.as_posix())
    if content is None:
        return Unsure(name)
    return File(content) if name == "open" else Known(content, value.origin)


def _relative(path: Plain, base: Plain) -> Plain:
    if isinstance(path, PurePosixPath) and isinstance(base, str | PurePosixPath):
        return path.relative_to(base)
    raise TypeError


def _answer(truth: Truth) -> Value:
    return Unsure("file") if truth is Truth.UNKNOWN else Known(truth is Truth.TRUE)
