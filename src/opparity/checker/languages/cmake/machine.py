"""The evaluation of a CMake build, statement by statement, for one platform."""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING

from opparity.checker.facts.conditions import Truth
from opparity.checker.languages.cmake.arguments import arguments_of, tokens_of
from opparity.checker.languages.cmake.configuration import BINARY, COMMANDS_WITHOUT_OUTPUT, SOURCE
from opparity.checker.languages.cmake.loops import loop_values
from opparity.checker.languages.cmake.predicates import ConditionReader
from opparity.checker.languages.cmake.scopes import copied, merged
from opparity.checker.languages.cmake.state import ConfigurationFailedError, Routine, State
from opparity.checker.languages.cmake.syntax import Block, Branch, Command, If, Statement
from opparity.checker.languages.cmake.targets import Gathered
from opparity.checker.languages.cmake.values import UNKNOWN, joined
from opparity.checker.languages.cmake.written_files import note_written
from opparity.checker.languages.interpreting import charge

if TYPE_CHECKING:
    from collections.abc import Iterable


_DEEPEST_CALL = 40
_LANGUAGE_FLAGS = ("CXX", "CUDA", "HIP")
_MAKES_LIBRARY = re.compile(r"_(?:library|module|extension)$")


class _Leave(Exception):
    """A command that ends the block around it."""


class _Return(_Leave):
    """`return()`."""


class _Break(_Leave):
    """`break()`."""


class _Continue(_Leave):
    """`continue()`."""


class Machine(State):
    """An evaluation: a state, and the statements that change it."""

    def run(self, statements: Iterable[Statement]) -> None:
        """Evaluate statements in order."""
        for statement in statements:
            self.steps.count()
            if isinstance(statement, Command):
                self._command(statement)
            elif isinstance(statement, If):
                self._if(statement)
            else:
                self._block(statement)

    def _if(self, chain: If) -> None:
        """Evaluate the branches that may be taken.

        A branch that ends the configuration is not taken by a build that succeeds, so an
        undecided chain is decided by it; so is one that hangs on a variable a person must set.
        """
        branches = chain.branches
        possible: list[tuple[Branch, Truth, bool]] = []
        for branch in branches:
            if branch.condition is None:
                possible.append((branch, Truth.TRUE, False))
                break
            reader = ConditionReader(tokens_of(branch.condition, self), self)
            truth = reader.evaluate()
            if truth is not Truth.FALSE or reader.asked_undefined:
                possible.append((branch, truth, reader.asked_undefined))
            if truth is Truth.TRUE:
                break
        alive = [branch for branch, truth, _ in possible if truth is not Truth.FALSE]
        is_exhaustive = any(truth is Truth.TRUE for _, truth, _ in possible)
        ways = [branch for branch in alive if not branch.is_fatal]
        if is_exhaustive and not ways:
            self._dead_end(possible)
        elif is_exhaustive and len(ways) == 1:
            self.run(ways[0].body)
        else:
            self._fork([branch.body for branch in ways], is_exhaustive=is_exhaustive)

    def _dead_end(self, possible: list[tuple[Branch, Truth, bool]]) -> None:
        """Go on where only a variable that a person sets can lead on; else the build fails."""
        for branch, truth, asked in possible:
            if truth is Truth.FALSE and asked and not branch.is_fatal:
                self.run(branch.body)
                return
        if self.doubt == 0 and not any(asked for _, _, asked in possible):
            raise ConfigurationFailedError(possible[-1][0].location)

    def _fork(self, bodies: list[tuple[Statement, ...]], *, is_exhaustive: bool) -> None:
        """Run each way from the same state; afterwards a variable is what any way made of it."""
        before = self.scope.snapshot(self.steps)
        outcomes = [] if is_exhaustive else [before]
        made_by_way: list[set[str]] = []
        # Not the exception: its traceback would keep this frame, and every one around it, alive.
        left: type[_Leave] | None = None
        for body in bodies:
            self.scope.restore(before)
            outer, self.made = self.made, set()
            self.doubt += 1
            doubt = self.doubt
            try:
                self.run(body)
                outcomes.append(self.scope.snapshot(self.steps))
            except _Leave as leaving:
                left = type(leaving)
            self.doubt = doubt - 1
            made_by_way.append(self.made)
            self.made = outer | self.made
        if not outcomes:
            if left is not None:
                raise left
            return
        self.scope.restore(merged(outcomes))
        if is_exhaustive and made_by_way and not self.doubt:
            for name in set.intersection(*made_by_way):
                self.targets[name].built = Truth.TRUE
        if left is not None:
            # What follows here happens only where that way was not taken.
            self.doubt += 1

    def _block(self, block: Block) -> None:
        name = block.opening.name
        if name in {"function", "macro"}:
            arguments = arguments_of(block.opening, self)
            if arguments:
                routine = Routine(block, tuple(arguments[1:]), name == "macro")
                self.routines[arguments[0].lower()] = routine
        elif name == "foreach":
            self._foreach(block)
        elif name == "while":
            self._while(block)
        else:
            self.run(block.body)

    def _foreach(self, block: Block) -> None:
        arguments = arguments_of(block.opening, self)
        if not arguments:
            return
        variable, values = arguments[0], loop_values(arguments[1:], self.read)
        charge(2 * len(values))
        before = self.scope.variables.get(variable)
        doubt = self.doubt
        for value in values:
            element = value.rstrip("\ue001")
            self.scope.variables[variable] = element
            try:
                if element != value or element == UNKNOWN:
                    self._fork([block.body], is_exhaustive=False)
                else:
                    self.run(block.body)
            except _Continue:
                continue
            except _Break:
                break
        self.doubt = doubt
        if before is None:
            self.scope.variables.pop(variable, None)
        else:
            self.scope.variables[variable] = before

    def _while(self, block: Block) -> None:
        while True:
            self.steps.count()
            truth = ConditionReader(tokens_of(block.opening.arguments, self), self).evaluate()
            if truth is Truth.FALSE:
                return
            try:
                if truth is Truth.UNKNOWN:
                    self._fork([block.body], is_exhaustive=False)
                    return
                self.run(block.body)
            except _Continue:
                continue
            except _Break:
                return

    def _command(self, command: Command) -> None:
        name = command.name
        if name in {"return", "break", "continue"}:
            raise {"return": _Return, "break": _Break, "continue": _Continue}[name]
        routine = self.routines.get(name)
        arguments = arguments_of(command, self)
        if routine is not None:
            self._call(routine, arguments)
            return
        note_written(self, name, arguments)
        handler = self.commands.get(name)
        if handler is not None:
            handler(self, command, arguments)
        elif _MAKES_LIBRARY.search(name) and any(map(self.resolve_source, arguments[1:])):
            # `ascendc_library(kernels SHARED …)`, from a toolkit: a library by its name.
            self.commands["pybind11_add_module"](self, command, arguments)
        elif name not in COMMANDS_WITHOUT_OUTPUT:
            # A command from outside the tree: it may set any variable that it is given.
            for argument in arguments:
                if argument.isidentifier() and self.lookup(argument) is None:
                    self.assign(argument, UNKNOWN)

    def _call(self, routine: Routine, arguments: list[str]) -> None:
        if self.calls > _DEEPEST_CALL:
            return
        charge(4 * (len(arguments) + len(routine.parameters)))
        named = dict(zip(routine.parameters, arguments, strict=False))
        extra = joined(";", arguments[len(routine.parameters) :])
        bound = {
            **dict.fromkeys(routine.parameters, ""),
            **named,
            "ARGN": extra,
            "ARGV": joined(";", arguments),
            "ARGC": str(len(arguments)),
            **{f"ARGV{index}": value for index, value in enumerate(arguments)},
        }
        self.calls += 1
        try:
            if routine.is_macro:
                self._run_macro(routine, bound)
            else:
                self._run_function(routine, bound)
        finally:
            self.calls -= 1

    def _run_macro(self, routine: Routine, bound: dict[str, str]) -> None:
        before = self.bindings
        self.bindings = copied(before, self.steps) | bound
        try:
            self.run(routine.block.body)
        finally:
            self.bindings = before

    def _run_function(self, routine: Routine, bound: dict[str, str]) -> None:
        outer, bindings, doubt = self.scope, self.bindings, self.doubt
        self.scope = outer.inner(self.steps)
        self.scope.variables.update(bound)
        self.bindings = {}
        try:
            self.run(routine.block.body)
        except _Leave:
            pass
        finally:
            self.scope, self.bindings, self.doubt = outer, bindings, doubt

    def include(self, path: str) -> bool:
        """Evaluate another file of the tree in this scope; return whether there is one."""
        statements = self.parse(path) if path in self.files else None
        if statements is None or self.calls > _DEEPEST_CALL:
            return False
        self.entered.add(path)
        before = self.scope.variables.get("CMAKE_CURRENT_LIST_DIR", SOURCE)
        folder = posixpath.dirname(path)
        self.scope.variables["CMAKE_CURRENT_LIST_DIR"] = posixpath.normpath(f"{SOURCE}/{folder}")
        self.calls += 1
        doubt = self.doubt
        try:
            self.run(statements)
        except _Leave:
            pass
        finally:
            self.calls -= 1
            self.doubt = doubt
            self.scope.variables["CMAKE_CURRENT_LIST_DIR"] = before
        return True

    def start(self, folder: str) -> None:
        """Evaluate the build whose CMakeLists.txt is in a folder."""
        for name in (
            "CMAKE_SOURCE_DIR",
            "PROJECT_SOURCE_DIR",
            "CMAKE_HOME_DIRECTORY",
            "CMAKE_CURRENT_SOURCE_DIR",
            "CMAKE_CURRENT_LIST_DIR",
        ):
            self.scope.variables[name] = posixpath.normpath(f"{SOURCE}/{folder}")
        for name in ("CMAKE_BINARY_DIR", "PROJECT_BINARY_DIR", "CMAKE_CURRENT_BINARY_DIR"):
            self.scope.variables[name] = posixpath.normpath(f"{BINARY}/{folder}")
        self.include(posixpath.normpath(f"{folder}/CMakeLists.txt") if folder else "CMakeLists.txt")
        self.note_flags()

    def enter_directory(self, path: str) -> None:
        """Evaluate a subdirectory's CMakeLists.txt in a scope of its own."""
        listing = posixpath.normpath(f"{path}/CMakeLists.txt")
        outer = self.scope
        folder = posixpath.normpath(f"{SOURCE}/{path}")
        self.scope = outer.inner(self.steps)
        self.scope.variables["CMAKE_CURRENT_SOURCE_DIR"] = folder
        self.scope.variables["CMAKE_CURRENT_BINARY_DIR"] = posixpath.normpath(f"{BINARY}/{path}")
        directory = self.directory
        self.steps.count((len(directory.definitions) + len(directory.options)) // 50)
        self.directory = Gathered([*directory.definitions], [*directory.options])
        try:
            self.include(listing)
        finally:
            self.note_flags()
            self.scope = outer
            self.directory = directory

    def note_flags(self) -> None:
        """Note the compiler's flags at the end of a directory: they hold for all of its targets."""
        for language in _LANGUAGE_FLAGS:
            name = f"CMAKE_{language}_FLAGS"
            value = self.read(name)
            if value != self.presumed.get(name, ""):
                self.directory.language_flags.append((language, value))
