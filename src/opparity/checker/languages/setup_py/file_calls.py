"""Functions outside the tree by which build scripts read it: files, folders, data, modules."""

from __future__ import annotations

import json
import posixpath
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Protocol

from opparity.checker.facts.conditions import Truth
from opparity.checker.languages.data.toml import parse_toml
from opparity.checker.languages.interpreting import charge
from opparity.checker.languages.setup_py.tree_paths import LONGEST_PATTERN, TreePaths
from opparity.checker.languages.setup_py.values import (
    NONE,
    Collection,
    File,
    Item,
    Known,
    Library,
    Module,
    Table,
    Unsure,
    Value,
    truth_of_value,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from opparity.checker.languages.setup_py.expressions import Evaluator

Keywords = dict[str, Value]
_DEEPEST_DATA = 20


class Handler(Protocol):
    """A function outside the tree, as its effect on values."""

    def __call__(
        self, evaluator: Evaluator, arguments: list[Value], keywords: Keywords, /
    ) -> Value:
        """Return what the function yields."""
        ...


def _asked(ask: Callable[[TreePaths, str], Truth]) -> Handler:
    def answer(evaluator: Evaluator, arguments: list[Value], _: Keywords) -> Value:
        if not arguments or not isinstance(arguments[0], Known):
            return Unsure("file")
        truth = ask(evaluator.paths, str(arguments[0].value))
        return Unsure("file") if truth is Truth.UNKNOWN else Known(truth is Truth.TRUE)

    return answer


def _glob(evaluator: Evaluator, arguments: list[Value], keywords: Keywords) -> Value:
    if not arguments or not isinstance(arguments[0], Known):
        return Unsure("glob")
    recursive = truth_of_value(keywords.get("recursive", NONE)) is not Truth.FALSE
    pattern = str(arguments[0].value)
    root = keywords.get("root_dir")
    if root is not None and root != NONE:
        return _glob_below(evaluator, root, pattern, recursive=recursive)
    found = evaluator.paths.glob(pattern, recursive=recursive)
    items = [Item(Known(path, evaluator.position)) for path in found]
    return Collection("list", items, _of_the_tree(evaluator, pattern))


def _glob_below(evaluator: Evaluator, root: Value, pattern: str, *, recursive: bool) -> Value:
    """Return what a pattern finds below a folder, from that folder on."""
    if not isinstance(root, Known):
        return Unsure("glob")
    folder = str(root.value)
    found = evaluator.paths.glob(posixpath.join(folder, pattern), recursive=recursive)
    origin = evaluator.position
    items = [Item(Known(posixpath.relpath(path, folder), origin)) for path in found]
    return Collection("list", items, _of_the_tree(evaluator, folder))


def _entries(evaluator: Evaluator, arguments: list[Value], keywords: Keywords) -> Value:
    """Return the entries of `os.scandir`: paths, which have names and kinds as well."""
    folder = arguments[0] if arguments else Known(".")
    names = _listing(evaluator, [folder], keywords)
    if not isinstance(folder, Known) or not isinstance(names, Collection):
        return Unsure("scandir")
    base = PurePosixPath(str(folder.value))
    items = [
        Item(Known(base / str(item.value.value), item.value.origin))
        for item in names.items
        if isinstance(item.value, Known)
    ]
    return Collection("list", items, names.complete)


def _opened(evaluator: Evaluator, arguments: list[Value], _: Keywords) -> Value:
    if not arguments or not isinstance(arguments[0], Known):
        return Unsure("open")
    mode = arguments[1] if len(arguments) > 1 else Known("r")
    text = evaluator.paths.text(str(arguments[0].value))
    is_read = isinstance(mode, Known) and str(mode.value).startswith("r")
    return File(text) if text is not None and is_read else Unsure("open")


def _data(parse: Callable[[str], object]) -> Handler:
    """Return what reads a text, or an open file, in a language of data."""

    def handle(evaluator: Evaluator, arguments: list[Value], _: Keywords) -> Value:
        match arguments[:1]:
            case [File(text)] | [Known(str() as text)]:
                pass
            case _:
                return Unsure("data")
        charge(len(text))
        try:
            return _as_value(evaluator, parse(text), 0)
        except (ValueError, RecursionError):
            return Unsure("data")

    return handle


def _as_value(evaluator: Evaluator, data: object, depth: int) -> Value:
    evaluator.count_step()
    if depth > _DEEPEST_DATA:
        return Unsure("data")
    match data:
        case dict():
            table = Table({})
            for key, each in data.items():
                table.entries[str(key)] = Item(_as_value(evaluator, each, depth + 1))
            return table
        case list():
            return Collection(
                "list", [Item(_as_value(evaluator, each, depth + 1)) for each in data]
            )
        case str() | int() | float() | bool() | None:
            return Known(data, evaluator.position)
        case _:
            return Unsure("data")


def _specification(evaluator: Evaluator, arguments: list[Value], keywords: Keywords) -> Value:
    """Return the module that `spec_from_file_location(name, path)` will be."""
    place = arguments[1] if len(arguments) > 1 else keywords.get("location", NONE)
    if isinstance(place, Known):
        relative = evaluator.paths.relative(str(place.value))
        if relative in evaluator.paths.files and relative is not None:
            return Module(relative)
    return Unsure("spec")


def _module_of(evaluator: Evaluator, arguments: list[Value], _: Keywords) -> Value:
    """Return the module that `importlib.import_module("name")` imports from the tree."""
    if arguments and isinstance(arguments[0], Known):
        file = evaluator.module_file(str(arguments[0].value).replace(".", "/"))
        return Module(file) if file else Library(str(arguments[0].value))
    return Unsure("module")


def _run_as_module(evaluator: Evaluator, arguments: list[Value], keywords: Keywords) -> Value:
    """Return the names that `runpy.run_path(path)` leaves, as a dictionary."""
    module = _specification(evaluator, [NONE, *arguments[:1]], keywords)
    scope = evaluator.run_module(module.path) if isinstance(module, Module) else None
    if scope is None:
        return Unsure("run_path")
    return Table({name: Item(value) for name, value in scope.names.items()})


def _listing(evaluator: Evaluator, arguments: list[Value], _: Keywords) -> Value:
    folder = arguments[0] if arguments else Known(".")
    if not isinstance(folder, Known):
        return Unsure("listdir")
    names = list(evaluator.paths.listing(str(folder.value)))
    charge(5 * len(names))
    items = [Item(Known(name, evaluator.position)) for name in names]
    return Collection("list", items, _of_the_tree(evaluator, str(folder.value)))


def _of_the_tree(evaluator: Evaluator, path: str) -> Truth:
    """Return TRUE for a place in the tree; what lies elsewhere on the machine is not known."""
    relative = evaluator.paths.relative(path)
    is_known = relative is not None and len(relative) <= LONGEST_PATTERN
    return Truth.TRUE if is_known else Truth.UNKNOWN


def _walk(evaluator: Evaluator, arguments: list[Value], _: Keywords) -> Value:
    if not arguments or not isinstance(arguments[0], Known):
        return Unsure("walk")
    origin = evaluator.position
    rows: list[Item] = []
    for folder, folders, files in evaluator.paths.walk(str(arguments[0].value)):
        charge(20 + 5 * (len(folders) + len(files)))
        columns: list[Value] = [
            Known(folder, origin),
            Collection("list", [Item(Known(name, origin)) for name in folders]),
            Collection("list", [Item(Known(name, origin)) for name in files]),
        ]
        rows.append(Item(Collection("tuple", [Item(column) for column in columns])))
    return Collection("list", rows)


FILE_FUNCTIONS: dict[str, Handler] = {
    "os.path.exists": _asked(TreePaths.exists),
    "os.path.isfile": _asked(TreePaths.is_file),
    "os.path.isdir": _asked(TreePaths.is_folder),
    "os.listdir": _listing,
    "os.scandir": _entries,
    "os.walk": _walk,
    "open": _opened,
    "io.open": _opened,
    "json.load": _data(json.loads),
    "json.loads": _data(json.loads),
    "tomllib.load": _data(parse_toml),
    "tomllib.loads": _data(parse_toml),
    "glob.glob": _glob,
    "glob.iglob": _glob,
    "importlib.util.spec_from_file_location": _specification,
    "importlib.import_module": _module_of,
    "importlib.machinery.SourceFileLoader": _specification,
    "imp.load_source": _specification,
    "runpy.run_path": _run_as_module,
}
