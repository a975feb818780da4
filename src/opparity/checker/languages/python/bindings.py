"""What a file's names are given, where one statement alone gives it."""

from __future__ import annotations

import ast
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from opparity.checker.facts.conditions import UNDECIDED, Predicate, atoms
from opparity.checker.facts.records import fact

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opparity.checker.facts.conditions import Condition

Function = ast.FunctionDef | ast.AsyncFunctionDef
# A function or class ("" for the module), and a name in it.
Key = tuple[str, str]

_INNER_SCOPES = frozenset({ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef})
_BINDING = _INNER_SCOPES | {
    *(ast.Assign, ast.AugAssign, ast.AnnAssign, ast.Delete, ast.Global),
    *(ast.For, ast.AsyncFor, ast.With, ast.AsyncWith, ast.ExceptHandler, ast.match_case),
}
_PLAIN = frozenset({ast.Expr, ast.Return, ast.Raise, ast.Assert, ast.Pass})
_BLOCKS = ("body", "orelse", "finalbody", "handlers", "cases")


@fact
class Rebound:
    """Names of a file that are given a value otherwise than by statements of their own function.

    Attributes:
        nonlocals: names that some inner function gives another value by `nonlocal`.
        inline: names that an expression gives a value by `:=`.
    """

    nonlocals: frozenset[str] = frozenset()
    inline: frozenset[str] = frozenset()


@dataclass(slots=True)
class Bindings:
    """The names of one file, and whether what they are given is true.

    Attributes:
        rebound: names that may have another value than their function's statements give them.
        functions: each function of the file by its name.
        given: what plain assignments give each name.
        doubtful: names that a guarded assignment is the first to give a value -> their function.
        tests: every condition that may ask for a name.
    """

    rebound: Rebound = field(default_factory=Rebound)
    functions: dict[str, Function] = field(default_factory=dict)
    given: dict[Key, list[Condition]] = field(default_factory=dict)
    doubtful: dict[Key, Function | None] = field(default_factory=dict)
    tests: list[Condition] = field(default_factory=list)

    def assign(self, key: Key, value: Condition) -> None:
        """Record a plain assignment."""
        self.given.setdefault(key, []).append(value)
        self.tests.append(value)

    def assign_guarded(self, key: Key, value: Condition, function: Function | None) -> None:
        """Record an assignment that a guard may prevent, in a function if it is in one."""
        if key not in self.given:
            self.doubtful[key] = function
        self.assign(key, value)

    def settled(self) -> dict[Key, Condition]:
        """Return what each name is given; UNDECIDED where that may be several things, or nothing.

        What nobody asks for is left undecided: to look through the 3,485 functions of vLLM 0.33.0
        for what else gives their names a value took half as long as all else that is read of them.
        """
        asked = self._asked()
        counted: dict[Function, Counter[str]] = {}

        def is_sure(key: Key) -> bool:
            scope, name = key
            is_doubtful = key in self.doubtful
            if scope and name in self.rebound.nonlocals:
                return False
            function = self.doubtful[key] if is_doubtful else self.functions.get(scope)
            if key not in asked or function is None:
                return not is_doubtful
            if name in self.rebound.inline:
                return False
            if function not in counted:
                counted[function] = _bound(function)
            # What is given whatever happens takes the place of what a parameter brought.
            parameters = _parameters(function) if is_doubtful else ()
            return counted[function][name] == 1 and name not in parameters

        return {
            key: values[0] if len(values) == 1 and is_sure(key) else UNDECIDED
            for key, values in self.given.items()
        }

    def _asked(self) -> frozenset[Key]:
        """Return whatever a test may come to when it looks for a name from the inside out."""
        found: set[Key] = set()
        for test in self.tests:
            for atom in atoms(test):
                match atom:
                    case Predicate("variable", (name, inside)):
                        found.update(_places_of(name, inside))
        return frozenset(found)


def _places_of(name: str, inside: str) -> Iterator[Key]:
    if name.startswith("self."):
        yield inside.rpartition(".")[0], name.removeprefix("self.")
    while inside:
        yield inside, name
        inside = inside.rpartition(".")[0]


def _parameters(function: Function) -> set[str]:
    arguments = function.args
    every = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
    every += [each for each in (arguments.vararg, arguments.kwarg) if each]
    return {each.arg for each in every}


def _bound(function: Function) -> Counter[str]:
    """Count the statements that give each local a value: whoever reads one's reads that.

    The names of an inner function, class or comprehension are its own; what an expression binds
    by `:=` is for the caller to know.
    """
    counts: Counter[str] = Counter()
    waiting: list[ast.AST] = list(function.body)
    while waiting:
        node = waiting.pop()
        kind = type(node)
        if kind in _PLAIN:
            continue
        if kind in _BINDING:
            _count(node, counts)
        if kind not in _INNER_SCOPES:
            waiting += _statements_in(node)
    return counts


def _statements_in(node: ast.AST) -> list[ast.AST]:
    """Return the statements, handlers and cases of a statement, handler or case."""
    fields = vars(node)
    return [each for name in _BLOCKS if name in fields for each in fields[name]]


def _count(node: ast.AST, counts: Counter[str]) -> None:
    """Count the names that a statement gives a value; 2 where that is no plain assignment."""
    match node:
        case ast.Assign(targets) | ast.Delete(targets):
            counts.update(name for target in targets for name in _names_in(target))
        case ast.AugAssign(target) | ast.AnnAssign(target) | ast.For(target) | ast.AsyncFor(target):
            counts.update(_names_in(target))
        case ast.With(items) | ast.AsyncWith(items):
            targets = [item.optional_vars for item in items if item.optional_vars]
            counts.update(name for target in targets for name in _names_in(target))
        case ast.ExceptHandler(_, str(name)):
            counts[name] += 2
        case ast.Global(names):
            counts.update(dict.fromkeys(names, 2))
        case ast.FunctionDef(name) | ast.AsyncFunctionDef(name) | ast.ClassDef(name):
            counts[name] += 2
        case ast.match_case(pattern):
            counts.update(dict.fromkeys(_names_of_pattern(pattern), 2))


def _names_in(target: ast.expr) -> Iterator[str]:
    """Yield the names that a target gives a value."""
    match target:
        case ast.Name(name):
            yield name
        case ast.Tuple(parts) | ast.List(parts):
            for part in parts:
                yield from _names_in(part)
        case ast.Starred(value):
            yield from _names_in(value)


def _names_of_pattern(pattern: ast.pattern) -> Iterator[str]:
    for node in ast.walk(pattern):
        match node:
            case (
                ast.MatchAs(_, str(name))
                | ast.MatchStar(str(name))
                | ast.MatchMapping(rest=str(name))
            ):
                yield name


def children_of(node: ast.AST) -> list[ast.AST]:
    """Return the nodes that a node has; a third of the time of ast.iter_child_nodes."""
    found: list[ast.AST] = []
    for value in vars(node).values():
        if isinstance(value, ast.AST):
            found.append(value)
        elif isinstance(value, list):
            found += [each for each in value if isinstance(each, ast.AST)]
    return found
