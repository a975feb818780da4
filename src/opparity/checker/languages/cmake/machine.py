"""The evaluation of a CMake build, statement by statement, for one platform."""

from __future__ import annotations

import posixpath
import re
from functools import lru_cache
from typing import TYPE_CHECKING

from opparity.checker.facts.conditions import Truth
from opparity.checker.facts.places import Location
from opparity.checker.languages.cmake.configuration import BINARY, COMMANDS_WITHOUT_OUTPUT, SOURCE
from opparity.checker.languages.cmake.expansion import expand
from opparity.checker.languages.cmake.loops import loop_values
from opparity.checker.languages.cmake.predicates import ConditionReader, Token
from opparity.checker.languages.cmake.state import (
    ConfigurationFailedError,
    Routine,
    Scope,
    State,
)
from opparity.checker.languages.cmake.syntax import Argument, Block, Branch, Command, If, Statement
from opparity.checker.languages.cmake.targets import Gathered
from opparity.checker.languages.cmake.values import (
    LONGEST_VALUE,
    UNKNOWN,
    joined,
    merge,
    split_list,
)
from opparity.checker.languages.interpreting import OutOfSteps, charge, charge_text, merge_ways

if TYPE_CHECKING:
    from collections.abc import Iterable


# So many variables are copied in about the time of a step.
_VARIABLES_A_STEP = 100
_DEEPEST_CALL = 40
# As `charge` counts them: a word of a condition is a step.
_PARTS_OF_A_TOKEN = 50
# Of one command, in characters.
_LONGEST_ARGUMENTS = 4 * LONGEST_VALUE
_LANGUAGE_FLAGS = ("CXX", "CUDA", "HIP")
_MAKES_LIBRARY = re.compile(r"_(?:library|module|extension)$")
_SOURCE_NAME = re.compile(r"\.(c|cc|cpp|cxx|cu|hip|mm|sycl)$", re.IGNORECASE)


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

    def arguments(self, command: Command) -> list[str]:
        """Return a command's arguments, expanded and split."""
        values: list[str] = []
        remembers = (
            command.name in {"set", "list", "target_sources"}
            or "add_" in command.name
            or (command.name in self.routines)
        )
        for argument in command.arguments:
            expanded = self._expanded(argument)
            if argument.is_quoted:
                values.append(expanded)
            else:
                values.extend(filter(None, split_list(expanded)))
            if remembers and _names_source(argument.text):
                location = Location(command.location.path, argument.line)
                for part in split_list(expanded):
                    self.places.setdefault(part, location)
        self._weigh_all(values)
        return values

    def _weigh_all(self, values: list[str]) -> None:
        """Count the time that it takes to make, and to go through, a command's arguments.

        Raises:
            OutOfSteps: it was too much, or they are more text than any command is given.
        """
        length = sum(map(len, values))
        charge(4 * len(values))
        charge_text(length)
        if length > _LONGEST_ARGUMENTS:
            raise OutOfSteps

    def _expanded(self, argument: Argument) -> str:
        text = argument.text
        is_plain = argument.is_raw or ("$" not in text and "\\" not in text)
        return text if is_plain else expand(text, self.read)

    def tokens(self, arguments: Iterable[Argument]) -> list[Token]:
        """Return a condition's arguments as tokens; lists in them are several."""
        found: list[Token] = []
        for argument in arguments:
            if argument.is_raw and not argument.is_quoted:
                found.append((argument.text, False))
                continue
            expanded = self._expanded(argument)
            if argument.is_quoted:
                found.append((expanded, True))
            else:
                found.extend((part, False) for part in split_list(expanded))
        self._weigh_all([text for text, _ in found])
        charge(_PARTS_OF_A_TOKEN * len(found))
        return found

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
            reader = ConditionReader(self.tokens(branch.condition), self)
            truth = reader.evaluate()
            if truth is not Truth.FALSE or reader.asked_undefined:
                possible.append((branch, truth, reader.asked_undefined))
            if truth is Truth.TRUE:
                break
        alive = [branch for branch, truth, _ in possible if truth is not Truth.FALSE]
        is_exhaustive = any(truth is Truth.TRUE for _, truth, _ in possible)
        ways = [branch for branch in alive if not self._is_fatal(branch.body)]
        if is_exhaustive and not ways:
            self._dead_end(possible)
        elif is_exhaustive and len(ways) == 1:
            self.run(ways[0].body)
        else:
            self._fork([branch.body for branch in ways], is_exhaustive=is_exhaustive)

    def _dead_end(self, possible: list[tuple[Branch, Truth, bool]]) -> None:
        """Go on where only a variable that a person sets can lead on; else the build fails."""
        for branch, truth, asked in possible:
            if truth is Truth.FALSE and asked and not self._is_fatal(branch.body):
                self.run(branch.body)
                return
        if self.doubt == 0 and not any(asked for _, _, asked in possible):
            raise ConfigurationFailedError(possible[-1][0].location)

    def _is_fatal(self, body: tuple[Statement, ...]) -> bool:
        """Return whether a body ends the configuration, whatever else it does."""
        known = self.fatal.get(id(body))
        if known is None:
            known = self.fatal[id(body)] = any(map(_ends_all, body))
        return known

    def _fork(self, bodies: list[tuple[Statement, ...]], *, is_exhaustive: bool) -> None:
        """Run each way from the same state; afterwards a variable is what any way made of it."""
        before = self._snapshot()
        outcomes = [] if is_exhaustive else [before]
        made_by_way: list[set[str]] = []
        # Not the exception: its traceback would keep this frame, and every one around it, alive.
        left: type[_Leave] | None = None
        for body in bodies:
            self._restore(before)
            outer, self.made = self.made, set()
            self.doubt += 1
            doubt = self.doubt
            try:
                self.run(body)
                outcomes.append(self._snapshot())
            except _Leave as leaving:
                left = type(leaving)
            self.doubt = doubt - 1
            made_by_way.append(self.made)
            self.made = outer | self.made
        if not outcomes:
            if left is not None:
                raise left
            return
        self._restore(_merged(outcomes))
        if is_exhaustive and made_by_way and not self.doubt:
            for name in set.intersection(*made_by_way):
                self.targets[name].built = Truth.TRUE
        if left is not None:
            # What follows here happens only where that way was not taken.
            self.doubt += 1

    def _snapshot(self) -> list[dict[str, str]]:
        found = []
        scope: Scope | None = self.scope
        while scope is not None:
            self.steps.count(len(scope.variables) // _VARIABLES_A_STEP)
            found.append(dict(scope.variables))
            scope = scope.parent
        return found

    def _restore(self, snapshot: list[dict[str, str]]) -> None:
        scope: Scope | None = self.scope
        for variables in snapshot:
            if scope is not None:
                scope.variables = dict(variables)
                scope = scope.parent

    def _block(self, block: Block) -> None:
        name = block.opening.name
        if name in {"function", "macro"}:
            arguments = self.arguments(block.opening)
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
        arguments = self.arguments(block.opening)
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
            truth = ConditionReader(self.tokens(block.opening.arguments), self).evaluate()
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
        arguments = self.arguments(command)
        if routine is not None:
            self._call(routine, arguments)
            return
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
        self.steps.count(len(before) // _VARIABLES_A_STEP)
        self.bindings = {**before, **bound}
        try:
            self.run(routine.block.body)
        finally:
            self.bindings = before

    def _run_function(self, routine: Routine, bound: dict[str, str]) -> None:
        outer, bindings, doubt = self.scope, self.bindings, self.doubt
        self.steps.count(len(outer.variables) // _VARIABLES_A_STEP)
        self.scope = Scope({**outer.variables, **bound}, outer)
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
        self.steps.count(len(outer.variables) // _VARIABLES_A_STEP)
        self.scope = Scope(dict(outer.variables), outer)
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


def _merged(outcomes: list[list[dict[str, str]]]) -> list[dict[str, str]]:
    """Return what is known after several ways that may each have been taken."""
    return [merge_ways(levels, _either) for levels in zip(*outcomes, strict=True)]


def _either(one: str | None, other: str | None) -> str:
    return merge(one or "", other or "")


@lru_cache(maxsize=10_000)  # asked on every platform, of each argument
def _names_source(text: str) -> bool:
    return any(_SOURCE_NAME.search(part) for part in text.split(";"))


def _ends_all(statement: Statement) -> bool:
    return (
        isinstance(statement, Command)
        and statement.name == "message"
        and bool(statement.arguments)
        and statement.arguments[0].text in {"FATAL_ERROR", "SEND_ERROR"}
    )
