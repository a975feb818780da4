"""Expressions of a build script, evaluated as far as they can be known."""

from __future__ import annotations

import ast
from abc import ABC, abstractmethod
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, ClassVar

from opparity.checker.facts.conditions import Truth
from opparity.checker.facts.places import Location
from opparity.checker.languages.interpreting import Steps
from opparity.checker.languages.setup_py.comparisons import arithmetic, combine_collections
from opparity.checker.languages.setup_py.iteration import items_of, with_rest
from opparity.checker.languages.setup_py.lifting import formatted, lift
from opparity.checker.languages.setup_py.values import (
    NONE,
    Choice,
    Class,
    Collection,
    File,
    Function,
    Instance,
    Item,
    Known,
    Library,
    Method,
    Module,
    Newest,
    Scope,
    Super,
    Table,
    Unsure,
    Value,
    join,
    key_of,
    truth_of_value,
    weaker,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from contextlib import AbstractContextManager

    from opparity.checker.languages.setup_py.tree_paths import TreePaths
    from opparity.checker.languages.setup_py.world import World

# `spec.loader.exec_module(module)`: a specification stands for the module itself.
_LOADING = frozenset({"loader", "exec_module", "load_module"})
_PATH_ATTRIBUTES = frozenset({"parent", "name", "stem", "suffix", "path"})


@dataclass(eq=False)
class Evaluator(ABC):
    """Evaluates expressions; calls are left to the class that knows functions.

    Attributes:
        paths: the tree, from the folder where the script runs.
        world: the platform's answers.
        handlers: what evaluates each kind of expression.
        path: whether the code being evaluated is reached.
        branch: the innermost undecided branch, by number; 0 outside all.
    """

    handlers: ClassVar[Mapping[type[ast.expr], Callable[..., Value]]]

    paths: TreePaths
    world: World
    path: Truth = Truth.TRUE
    branch: int = 0
    branches: int = 0
    steps: Steps = field(default_factory=Steps)
    depth: int = 0
    position: Location = field(default_factory=lambda: Location("", 1))

    @abstractmethod
    def call(self, node: ast.Call, scope: Scope) -> Value:
        """Return what a call yields."""

    @abstractmethod
    def apply(self, function: Value, arguments: list[Value]) -> Value:
        """Return what a value yields when it is called with positional arguments."""

    @abstractmethod
    def fail(self) -> None:
        """Note that the statement raises."""

    @abstractmethod
    def standing(self) -> tuple[int, ...]:
        """Return the undecided branches and the uncertain activations around this place."""

    def reached_from(self, made_in: tuple[int, ...] | None) -> Truth:
        """Return whether this place is reached wherever a collection made elsewhere exists."""
        return Truth.TRUE if made_in == self.standing() else self.path

    @contextmanager
    def undecided(self) -> Iterator[None]:
        """Be in a branch that may not be taken."""
        reached, branch = self.path, self.branch
        self.branches += 1
        self.path, self.branch = weaker(reached, Truth.UNKNOWN), self.branches
        try:
            yield
        finally:
            self.path, self.branch = reached, branch

    def reached_if(self, present: Truth) -> AbstractContextManager[None]:
        """Be where an element is there: in a branch that may not be taken, if that is open."""
        return nullcontext() if present is Truth.TRUE else self.undecided()

    @abstractmethod
    def module_file(self, base: str) -> str | None:
        """Return the file of a module of the tree, by its path without suffix."""

    @abstractmethod
    def run_module(self, path: str) -> Scope | None:
        """Return a module's names after its top level ran; None for a file that is no Python."""

    @abstractmethod
    def resolve(self, module: Module) -> Value:
        """Return what a name imported from the tree stands for."""

    def evaluate(self, node: ast.expr, scope: Scope) -> Value:
        """Return an expression's value.

        Raises:
            OutOfSteps: the script as a whole took too many steps.
        """
        self.count_step()
        handler = self.handlers.get(type(node))
        return handler(self, node, scope) if handler else Unsure(type(node).__name__)

    def count_step(self, compared: int = 0) -> None:
        """Count a step, and a tenth of one for each pair of elements that it compares.

        Raises:
            OutOfSteps: it was one too many.
        """
        self.steps.count(1 + compared // 10)

    def location(self, node: ast.AST, scope: Scope) -> Location:
        """Return a node's place."""
        return Location(scope.path, getattr(node, "lineno", 1), getattr(node, "col_offset", 0) + 1)

    def attribute(self, value: Value, name: str) -> Value:
        """Return `value.name`."""
        match value:
            case Library(library):
                return self.world.attribute(f"{library}.{name}")
            case Module():
                return self._module_attribute(value, name)
            case Instance(of, names):
                return names[name] if name in names else self._class_attribute(of, name, value)
            case Class():
                return self._class_attribute(value, name, value)
            case Super(receiver, owner):
                return self._inherited(receiver, owner, name)
            case Known(PurePosixPath() as path, origin) if name in _PATH_ATTRIBUTES:
                # An entry of os.scandir has a path as text.
                return Known(path.as_posix() if name == "path" else getattr(path, name), origin)
            case Known() | Collection() | Table() | File():
                return Method(value, name)
            case Newest():
                return value
            case Choice(options):
                return join([self.attribute(option, name) for option in options])
            case _:
                return Unsure(name)

    def _module_attribute(self, module: Module, name: str) -> Value:
        if not module.name and name in _LOADING:
            return module if name == "loader" else Method(module, name)
        if not module.name:
            return self.resolve(Module(module.path, name))
        return self.attribute(self.resolve(module), name)

    def _class_attribute(self, of: Class, name: str, receiver: Value) -> Value:
        for ancestor in of.lineage():
            if name in ancestor.names:
                return self._bind(ancestor.names[name], receiver)
        for base in of.library_bases():
            return Library(f"{base}.{name}")
        return Unsure(name)

    def _inherited(self, receiver: Instance | Class, owner: Class, name: str) -> Value:
        of = receiver.of if isinstance(receiver, Instance) else receiver
        lineage = list(of.lineage())
        start = lineage.index(owner) + 1 if owner in lineage else 1
        for ancestor in lineage[start:]:
            if name in ancestor.names:
                return self._bind(ancestor.names[name], receiver)
        for base in owner.library_bases():
            return Library(f"{base}.{name}")
        return Unsure(name)

    def _bind(self, found: Value, receiver: Value) -> Value:
        if not isinstance(found, Function) or isinstance(found.node, ast.Lambda):
            return found
        marks = {mark.id for mark in found.node.decorator_list if isinstance(mark, ast.Name)}
        if "staticmethod" in marks:
            return Function(found.node, found.scope, found.owner)
        if "classmethod" in marks and isinstance(receiver, Instance):
            receiver = receiver.of
        if isinstance(receiver, Class) and "classmethod" not in marks:
            return found
        bound = Function(found.node, found.scope, found.owner, receiver)
        return self.apply(bound, []) if "property" in marks else bound

    def binary(self, kind: ast.operator, left: Value, right: Value) -> Value:
        """Return `left kind right`; `None + "/bin/nvcc"`, with no CUDA_HOME, raises."""
        if (
            isinstance(left, Known)
            and isinstance(right, Known)
            and None in {left.value, right.value}
        ):
            self.fail()
            return Unsure("fails")
        if isinstance(left, Choice) and isinstance(right, Collection):
            return join([self.binary(kind, option, right) for option in left.options])
        if isinstance(right, Choice) and isinstance(left, Collection):
            return join([self.binary(kind, left, option) for option in right.options])
        if isinstance(left, Collection) and isinstance(right, Collection):
            self.count_step()
            combined = combine_collections(kind, left, right)
            return combined if combined is not None else Unsure("operator")
        for collection in (left, right):
            if isinstance(collection, Collection) and isinstance(
                kind, ast.Add | ast.Sub | ast.BitOr
            ):
                items, _ = items_of(collection)
                copies = [Item(item.value, item.present) for item in items]
                return Collection(collection.kind, copies, Truth.UNKNOWN)
        if isinstance(left, Known) and isinstance(kind, ast.Mod) and isinstance(right, Collection):
            parts = [item.value for item in right.items]
            return lift(formatted, left, *parts)
        return lift(arithmetic(kind), left, right)

    def assign(self, target: ast.expr, value: Value, scope: Scope) -> None:
        """Bind a target to a value: a name, an attribute, an element, or several of them."""
        match target:
            case ast.Name(name) if name in scope.elsewhere:
                names = scope.elsewhere[name].names
                surely = self.path is Truth.TRUE or name not in names
                names[name] = value if surely else join([value, names[name]])
            case ast.Name(name):
                scope.names[name] = value
            case ast.Attribute(owner, name):
                receiver = self.evaluate(owner, scope)
                if isinstance(receiver, Instance | Class):
                    previous = receiver.names.get(name, value)
                    surely = self.path is Truth.TRUE
                    receiver.names[name] = value if surely else join([value, previous])
            case ast.Subscript(owner, index):
                self._store(self.evaluate(owner, scope), self.evaluate(index, scope), value)
            case ast.Starred(inner):
                self.assign(inner, Unsure("starred"), scope)
            case ast.Tuple(elements) | ast.List(elements):
                self._unpack(elements, value, scope)

    def _store(self, receiver: Value, index: Value, value: Value) -> None:
        key = key_of(index)
        if isinstance(receiver, Table):
            if isinstance(key, Unsure):
                receiver.complete = Truth.UNKNOWN
            elif key in receiver.entries and self.path is not Truth.TRUE:
                previous = receiver.entries[key]
                receiver.entries[key] = Item(join([value, previous.value]), previous.present)
            else:
                receiver.entries[key] = Item(value, self.path)
        elif isinstance(receiver, Collection):
            receiver.complete = Truth.UNKNOWN
        elif receiver == Library("os.environ") and isinstance(key, str):
            before = self.world.variable(key, NONE)
            self.world.given[key] = value if self.path is Truth.TRUE else join([value, before])

    def _unpack(self, elements: list[ast.expr], value: Value, scope: Scope) -> None:
        if isinstance(value, Choice):
            columns = [self._columns(option, len(elements)) for option in value.options]
            for number, element in enumerate(elements):
                self.assign(element, join([column[number] for column in columns]), scope)
            return
        for element, part in zip(elements, self._columns(value, len(elements)), strict=True):
            self.assign(element, part, scope)

    def _columns(self, value: Value, width: int) -> list[Value]:
        if isinstance(value, Newest):
            return [value] * width
        items, complete = items_of(value)
        if len(items) == width and complete is Truth.TRUE:
            return [item.value for item in items]
        return [Unsure("unpacked")] * width

    def generate(
        self,
        generators: list[ast.comprehension],
        scope: Scope,
        present: Truth,
        add: Callable[[Truth], None],
    ) -> Truth:
        """Call `add` for each combination, and return whether these are all."""
        if not generators:
            add(present)
            return Truth.TRUE
        first, *rest = generators
        items, complete = items_of(self.evaluate(first.iter, scope))
        for item in with_rest(items, complete):
            self.count_step()
            self.assign(first.target, item.value, scope)
            here = weaker(present, item.present)
            for test in first.ifs:
                here = weaker(here, truth_of_value(self.evaluate(test, scope)))
            if here is not Truth.FALSE:
                with self.reached_if(here):
                    complete = weaker(complete, self.generate(rest, scope, here, add))
        return complete
