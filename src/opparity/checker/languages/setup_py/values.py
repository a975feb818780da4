"""What an expression of a build script can be, where not everything is known."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from opparity.checker.facts.conditions import Truth, any_of, truth_of
from opparity.checker.facts.records import fact
from opparity.checker.languages.interpreting import charge

if TYPE_CHECKING:
    import ast
    from collections.abc import Collection as AnyCollection
    from collections.abc import Iterator

    from opparity.checker.facts.places import Location

Plain = str | int | float | bool | bytes | PurePosixPath | None

# More alternatives than this say nothing that "unknown" does not say.
MOST_OPTIONS = 8
# A list this long is no list of sources; the longest measured, xformers 0.0.35's, has 643.
MOST_ITEMS = 20_000


@fact
class Known:
    """A constant, and the place of the literal that it comes from."""

    value: Plain
    origin: Location | None = field(default=None, compare=False)


@fact
class Unsure:
    """A value that cannot be known; its truth may be (a path that surely exists is true)."""

    reason: str
    truth: Truth = Truth.UNKNOWN


@fact
class Newest:
    """A version of torch, of a compiler or of the interpreter: newer than any it is compared with.

    Builds are judged as current tools would make them, as the CMake reader judges nvcc's version.
    """


@fact
class Library:
    """Something outside the tree, by its dotted name: `glob.glob`, `torch.version.hip`."""

    name: str


@dataclass(eq=False, slots=True)
class Item:
    """An element of a collection, and whether it is there."""

    value: Value
    present: Truth = Truth.TRUE


@dataclass(eq=False, slots=True)
class Collection:
    """A list, tuple or set; `complete` is UNKNOWN where further elements may be in it.

    `made_in` is the undecided branches in which a literal stands: what is added there is as sure
    as the collection itself. `in_order` says whether the elements are in Python's order.
    """

    kind: str
    items: list[Item]
    complete: Truth = Truth.TRUE
    made_in: tuple[int, ...] | None = None
    in_order: bool = True


@dataclass(eq=False, slots=True)
class CommandLine(Collection):
    """`sys.argv`: the script and its command; which options are given, the world says."""


@dataclass(eq=False, slots=True)
class Table:
    """A dictionary; a key that could not be known makes it incomplete."""

    entries: dict[Plain | tuple[Plain, ...], Item]
    complete: Truth = Truth.TRUE


@fact
class Choice:
    """One of several values; which one is not known."""

    options: tuple[Value, ...]


@dataclass(eq=False, slots=True)
class Scope:
    """A module's or a function's names.

    `elsewhere` has the scopes whose names a `global` or `nonlocal` statement lends.
    """

    names: dict[str, Value]
    path: str
    parent: Scope | None = None
    elsewhere: dict[str, Scope] = field(default_factory=dict)

    def find(self, name: str) -> Value | None:
        """Return a name's value here or in an enclosing scope."""
        scope: Scope | None = self.elsewhere.get(name, self)
        while scope is not None:
            if name in scope.names:
                return scope.names[name]
            scope = scope.parent
        return None


@dataclass(eq=False, slots=True)
class Class:
    """A class of the tree, or one derived from a library's."""

    name: str
    bases: tuple[Value, ...]
    names: dict[str, Value]
    path: str

    def lineage(self) -> Iterator[Class]:
        """Yield the class and its bases of the tree, nearest first."""
        waiting = deque([self])
        seen: set[int] = set()
        while waiting:
            current = waiting.popleft()
            charge(1 + len(current.bases))
            if id(current) not in seen:
                seen.add(id(current))
                yield current
                waiting.extend(base for base in current.bases if isinstance(base, Class))

    def library_bases(self) -> Iterator[str]:
        """Yield the dotted names of bases outside the tree."""
        for ancestor in self.lineage():
            for base in ancestor.bases:
                if isinstance(base, Library):
                    yield base.name


@dataclass(eq=False, slots=True)
class Instance:
    """An object of a class of the tree."""

    of: Class
    names: dict[str, Value]


@dataclass(eq=False, slots=True)
class Function:
    """A function of the tree; `receiver` is bound, `owner` is the class whose body has it."""

    node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
    scope: Scope
    owner: Class | None = None
    receiver: Value | None = None


@fact
class Method:
    """A method of a constant or a collection, not called yet."""

    receiver: Value
    name: str


@fact
class File:
    """An open file of the tree, by its text."""

    text: str


@dataclass(eq=False, slots=True)
class Module:
    """A module of the tree, or a name from one, read only when it is used."""

    path: str
    name: str = ""


@fact
class Super:
    """`super()` in a method of `owner`."""

    receiver: Instance | Class
    owner: Class


Value = (
    Known
    | Unsure
    | Newest
    | Library
    | Collection
    | Table
    | Choice
    | Class
    | Instance
    | Function
    | Method
    | File
    | Module
    | Super
)

NONE = Known(None)


def truth_of_value(value: Value) -> Truth:
    """Return whether a value is true."""
    match value:
        case Known(plain):
            return truth_of(plain)
        case Unsure(_, truth):
            return truth
        case Collection(_, items, complete):
            return _filled(items, complete)
        case Table(entries, complete):
            return _filled(entries.values(), complete)
        case Choice(options):
            return agreement([truth_of_value(option) for option in options])
        case Library():
            return Truth.UNKNOWN
        case _:
            return Truth.TRUE


def agreement(truths: list[Truth]) -> Truth:
    """Return what all of the truths are, or UNKNOWN where they differ."""
    return truths[0] if truths and len(set(truths)) == 1 else Truth.UNKNOWN


def _filled(items: AnyCollection[Item], complete: Truth) -> Truth:
    found = Truth.FALSE
    for looked_at, item in enumerate(items, start=1):
        found = any_of((found, item.present))
        if found is Truth.TRUE or looked_at == len(items):
            charge(looked_at)
            break
    if found is Truth.FALSE and complete is not Truth.TRUE:
        return Truth.UNKNOWN
    return found


def join(values: list[Value]) -> Value:
    """Return the one value that all are, or a choice between them."""
    options: list[Value] = []
    charge(len(values))
    for value in values:
        for option in value.options if isinstance(value, Choice) else (value,):
            if not any(_same(option, other) for other in options):
                options.append(option)
        if len(options) > MOST_OPTIONS:
            truth = agreement([truth_of_value(each) for each in values])
            return Unsure("too many alternatives", truth)
    if not options:
        return NONE
    return options[0] if len(options) == 1 else Choice(tuple(options))


def _same(first: Value, second: Value) -> bool:
    if first is second:
        return True
    if isinstance(first, Known) and isinstance(second, Known):
        return type(first.value) is type(second.value) and first.value == second.value
    return isinstance(first, Unsure | Newest | Library | File) and first == second


def key_of(value: Value) -> Plain | tuple[Plain, ...] | Unsure:
    """Return a dictionary's key, or Unsure where it cannot be known."""
    if isinstance(value, Known):
        return value.value
    if isinstance(value, Collection) and value.kind == "tuple":
        parts = [item.value for item in value.items]
        if all(isinstance(part, Known) for part in parts):
            return tuple(part.value for part in parts if isinstance(part, Known))
    return Unsure("key")


def weaker(*truths: Truth) -> Truth:
    """Return the conjunction of truths."""
    return min(truths, key=lambda truth: truth.value, default=Truth.TRUE)
