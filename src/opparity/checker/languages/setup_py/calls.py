"""Calls, functions and modules of a build script; nothing of it is run."""

from __future__ import annotations

import ast
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING

from opparity.checker.facts.conditions import Truth
from opparity.checker.languages.setup_py.arguments import arguments_of, bind_arguments
from opparity.checker.languages.setup_py.expressions import Evaluator
from opparity.checker.languages.setup_py.extensions import Extension, extension_kind
from opparity.checker.languages.setup_py.library_calls import call_library
from opparity.checker.languages.setup_py.methods import call_method
from opparity.checker.languages.setup_py.nodes import HANDLERS
from opparity.checker.languages.setup_py.values import (
    NONE,
    Choice,
    Class,
    Function,
    Instance,
    Known,
    Library,
    Method,
    Module,
    Newest,
    Scope,
    Super,
    Unsure,
    Value,
    join,
    weaker,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

MOST_DEPTH = 25
# A function that may or may not call itself again is followed no deeper. With 25 vLLM 0.33.0's
# setup.py, which looks for the requirements of requirements, takes 65,000 steps instead of 3,500.
MOST_UNDECIDED_DEPTH = 3
MOST_MODULES = 80


class Leaves(Enum):
    """How control leaves a block before its end."""

    RETURN = "return"
    RAISE = "raise"
    BREAK = "break"
    CONTINUE = "continue"


@dataclass(eq=False, slots=True)
class Frame:
    """One activation of a function, or a module's top level.

    Attributes:
        function: the syntax of the function; None for a module's or a class's body.
        alive: whether control still reaches the next statement.
        leaves: how it left, where `alive` is FALSE.
        returned: the values returned so far.
        maybe_returned: a return under an undecided condition went before.
        may_fail: an import before this statement, in the same `try`, may have failed.
        broken: whether a `break` has left the innermost loop.
        fails: an operation raised that no machine of the platform can do.
    """

    scope: Scope
    owner: Class | None = None
    receiver: Value | None = None
    function: ast.AST | None = None
    alive: Truth = Truth.TRUE
    leaves: Leaves | None = None
    returned: list[Value] = field(default_factory=list)
    maybe_returned: bool = False
    may_fail: Truth = Truth.FALSE
    broken: Truth = Truth.FALSE
    fails: bool = False


@dataclass(eq=False)
class Caller(Evaluator, ABC):
    """Calls functions over values that may be unknown, and notes every extension made.

    Attributes:
        parse: a tree's file as a syntax tree; None where it is none.
        extensions: what was found, in order.
        called: the functions that were, by the identity of their syntax.
        copies: files that the script makes from files of the tree, `flash_api.cu` from `.cpp`.
    """

    handlers = HANDLERS

    parse: Callable[[str], ast.Module | None] = lambda _path: None
    extensions: list[Extension] = field(default_factory=list)
    modules: dict[str, Scope] = field(default_factory=dict)
    frames: list[Frame] = field(default_factory=list)
    called: set[int] = field(default_factory=set)
    copies: dict[str, str] = field(default_factory=dict)

    @abstractmethod
    def run(self, body: Sequence[ast.stmt]) -> None:
        """Run statements until control leaves."""

    # ------------------------------------------------------------ modules and functions

    def run_module(self, path: str) -> Scope | None:
        """Return a module's names after its top level ran; None for a file that is no Python."""
        if path in self.modules:
            return self.modules[path]
        syntax = self.parse(path) if len(self.modules) < MOST_MODULES else None
        if syntax is None:
            return None
        scope = Scope({}, path)
        self.modules[path] = scope
        reached, self.path = self.path, Truth.TRUE
        self.run_frame(Frame(scope), syntax.body)
        self.path = reached
        return scope

    def resolve(self, module: Module) -> Value:
        """Return what a name imported from the tree stands for."""
        if not module.name:
            return module
        scope = self.run_module(module.path)
        found = scope.names.get(module.name) if scope else None
        if isinstance(found, Module) and found.name and found.path != module.path:
            return self.resolve(found)
        if found is None:
            folder = module.path.removesuffix("__init__.py")
            inner = self.module_file(folder + module.name) if folder != module.path else None
            return Module(inner) if inner else Unsure(module.name)
        return found

    def run_frame(self, frame: Frame, body: Sequence[ast.stmt]) -> Value:
        """Run a function's body and return what it returns, or the choice of that."""
        if self.depth >= MOST_DEPTH:
            return Unsure("too deep")
        self.depth += 1
        self.frames.append(frame)
        try:
            self.run(body)
        finally:
            self.frames.pop()
            self.depth -= 1
        if frame.alive is not Truth.FALSE:
            frame.returned.append(NONE)
        elif frame.leaves is Leaves.RAISE and frame.fails and frame.function is not None:
            self.fail()
        return join(frame.returned)

    def fail(self) -> None:
        """Note that the statement raises, and with it the calls that led here.

        A `raise` of the script's own ends its function alone: what it tests, mostly versions, is
        known here by presumption.
        """
        if self.frames:
            self.frames[-1].fails = True
            self.leave(Leaves.RAISE)

    def invoke(
        self, function: Function, arguments: list[Value], keywords: dict[str, Value]
    ) -> Value:
        """Return what a function of the tree yields."""
        self.called.add(id(function.node))
        scope = Scope({}, function.scope.path, function.scope)
        bind_arguments(self, function, arguments, keywords, scope)
        if isinstance(function.node, ast.Lambda):
            return self.evaluate(function.node.body, scope)
        if self.path is not Truth.TRUE and self._is_deep_in(function):
            return Unsure("calls itself")
        frame = Frame(scope, function.owner, function.receiver, function.node)
        return self.run_frame(frame, function.node.body)

    def _is_deep_in(self, function: Function) -> bool:
        open_calls = [frame for frame in self.frames if frame.function is function.node]
        return len(open_calls) >= MOST_UNDECIDED_DEPTH

    # ------------------------------------------------------------ calls

    def call(self, node: ast.Call, scope: Scope) -> Value:
        """Return what a call yields."""
        function = self.evaluate(node.func, scope)
        arguments, keywords = arguments_of(self, node, function, scope)
        self.position = self.location(node, scope)
        return self._call_value(function, arguments, keywords)

    def apply(self, function: Value, arguments: list[Value]) -> Value:
        """Return what a value yields when it is called with positional arguments."""
        return self._call_value(function, arguments, {})

    def _call_value(
        self, function: Value, arguments: list[Value], keywords: dict[str, Value]
    ) -> Value:
        match function:
            case Function():
                return self.invoke(function, arguments, keywords)
            case Class():
                return self._construct(function, arguments, keywords)
            case Method(receiver, name):
                return call_method(self, receiver, name, arguments, keywords)
            case Newest():
                return function
            case Library(name):
                return self._call_library(name, arguments, keywords)
            case Choice(options):
                return self._call_one_of(options, arguments, keywords)
            case _:
                return Unsure("call")

    def _call_one_of(
        self, options: tuple[Value, ...], arguments: list[Value], keywords: dict[str, Value]
    ) -> Value:
        results = []
        for option in options:
            with self.undecided():
                results.append(self._call_value(option, arguments, keywords))
        return join(results)

    def standing(self) -> tuple[int, ...]:
        """Return the undecided branches and the uncertain activations around this place."""
        doubtful = [id(frame) for frame in self.frames if frame.alive is not Truth.TRUE]
        return (self.branch, *doubtful)

    def _construct(self, of: Class, arguments: list[Value], keywords: dict[str, Value]) -> Value:
        instance = Instance(of, {})
        initialiser = self.attribute(instance, "__init__")
        if isinstance(initialiser, Function):
            self.invoke(initialiser, arguments, keywords)
        else:
            for base in of.library_bases():
                self._note_extension(base, arguments, keywords)
        return instance

    def _call_library(self, name: str, arguments: list[Value], keywords: dict[str, Value]) -> Value:
        if name == "builtins.super" and self.frames:
            return self._super()
        if name.endswith("Extension.__init__"):
            own = arguments[1:] if arguments and isinstance(arguments[0], Instance) else arguments
            self._note_extension(name.removesuffix(".__init__"), own, keywords)
            return NONE
        if name in {"sys.exit", "builtins.exit"} and self.frames:
            self.leave(Leaves.RAISE)
        if name in {"shutil.copy", "shutil.copyfile", "shutil.copy2"}:
            self._note_copy(arguments)
        if name.startswith("subprocess.") and self.frames:
            self.frames[-1].may_fail = Truth.UNKNOWN
        if self._note_extension(name, arguments, keywords):
            return Unsure(name, Truth.TRUE)
        return call_library(self, name, arguments, keywords)

    def _note_copy(self, arguments: list[Value]) -> None:
        match arguments:
            case [Known(str() as source), Known(str() as copy)]:
                original, relative = self.paths.relative(source), self.paths.relative(copy)
                if original in self.paths.files and relative:
                    self.copies[relative] = original

    def _super(self) -> Value:
        for frame in reversed(self.frames):
            if frame.owner and isinstance(frame.receiver, Instance | Class):
                return Super(frame.receiver, frame.owner)
        return Unsure("super")

    def _note_extension(
        self, name: str, arguments: list[Value], keywords: dict[str, Value]
    ) -> bool:
        kind = extension_kind(name)
        if kind is None:
            return False
        alive = self.frames[-1].alive if self.frames else Truth.TRUE
        built = weaker(self.path, alive)
        self.extensions.append(Extension(kind, arguments, keywords, built, self.position))
        return True

    def leave(self, how: Leaves) -> None:
        """Note that control leaves the block."""
        frame = self.frames[-1]
        frame.alive, frame.leaves = Truth.FALSE, how

    def module_file(self, base: str) -> str | None:
        """Return the file of a module of the tree, by its path without suffix."""
        folder = self.paths.folder
        for prefix in ("", f"{folder}/" if folder else "", "src/"):
            for suffix in (".py", "/__init__.py"):
                if prefix + base + suffix in self.paths.files:
                    return prefix + base + suffix
        return None
