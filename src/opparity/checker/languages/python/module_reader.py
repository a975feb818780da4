"""One Python file's operator uses, names and imports, each with the guards around it."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from opparity.checker.facts.conditions import UNDECIDED, Predicate, negation
from opparity.checker.facts.python import DEFINED_IN_TRY, Guard
from opparity.checker.languages.python.bindings import Bindings, Function, Rebound, children_of
from opparity.checker.languages.python.catching import (
    CATCHES_ABSENCE,
    CATCHES_IMPORT,
    caught_by,
    suppressed_by,
)
from opparity.checker.languages.python.decorators import condition_of_decorator, is_plain
from opparity.checker.languages.python.expressions import Expressions
from opparity.checker.languages.python.held_functions import calls_of_held
from opparity.checker.languages.python.imports import Imports
from opparity.checker.languages.python.interest import Interest, may_answer
from opparity.checker.languages.python.leaving import condition_after
from opparity.checker.languages.python.operator_uses import OperatorUses
from opparity.checker.languages.python.records import FunctionFacts, ModuleFacts, Place, Returned
from opparity.checker.languages.python.templates import texts_of
from opparity.checker.languages.python.tests_of_platform import condition_of, dotted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from opparity.checker.languages.python.passing_on import Passed

# Most statements by far: told from the others before those are told apart.
_SIMPLE = frozenset(
    {ast.Expr, ast.Assign, ast.AnnAssign, ast.AugAssign, ast.Return, ast.Raise, ast.Assert}
)


@dataclass(slots=True)
class ModuleReader:
    """Walks a module's syntax tree once, leaving out what cannot matter."""

    path: str
    package: tuple[str, ...]
    interest: Interest
    extensions: frozenset[str] = frozenset()
    rebound: Rebound = field(default_factory=Rebound)
    passed: Passed = field(default_factory=dict)
    operators: OperatorUses = field(init=False)
    expressions: Expressions = field(init=False)
    functions: dict[str, FunctionFacts] = field(default_factory=dict)
    returns: dict[str, list[Returned]] = field(default_factory=dict)
    imports: Imports = field(init=False)
    bindings: Bindings = field(init=False)
    bases: dict[str, tuple[str, ...]] = field(default_factory=dict)
    bodies: dict[str, Function] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.operators = OperatorUses(self.path)
        self.bindings = Bindings(self.rebound, self.bodies)
        self.imports = Imports(self.package, self.extensions, self.operators, self.passed)
        self.expressions = Expressions(self.operators, self.bindings)

    def read(self, syntax: ast.Module) -> ModuleFacts:
        """Return everything the file says."""
        self.imports.foretell(syntax.body)
        self._block(syntax.body, Place())
        once = self.bindings.settled()
        known = {name.partition(".")[0] for name in self.functions}
        known |= {site.bound for site in self.imports.sites}
        functions = {
            name: FunctionFacts(
                name,
                found.location,
                found.guards,
                tuple(self.returns.get(name, ())),
                found.is_class,
                found.is_implicit,
            )
            for name, found in self.functions.items()
        }
        return ModuleFacts(
            path=self.path,
            calls=tuple(self.operators.calls),
            registrations=self.operators.settled(),
            computed=tuple(self.operators.computed),
            fakes=self.operators.fakes.settled(),
            compiled=frozenset(self.operators.fakes.compiled),
            faked=frozenset(self.operators.fakes.computed),
            table_uses=tuple(self.operators.table_uses),
            functions=functions,
            uses=tuple(use for use in self.expressions.uses if use.name.partition(".")[0] in known),
            imports=tuple(self.imports.sites),
            variables={name: value for (inside, name), value in once.items() if not inside},
            locals={key: value for key, value in once.items() if key[0]},
            libraries=dict(self.operators.libraries),
            texts=texts_of(syntax.body),
            bases=dict(self.bases),
        )

    # A block's statements are guarded by what the statements before them let through.
    def _block(self, body: Sequence[ast.stmt], place: Place) -> None:
        here = place
        for statement in body:
            self._statement(statement, here)
            after = condition_after(statement, here.inside)
            passed = self.expressions.guard(after, statement)
            if passed:
                here = here.under(passed)

    def _matters(self, node: ast.stmt, place: Place) -> bool:
        """Return whether a statement can touch operators, or answer a guard's question."""
        answers = not place.inside or self.interest.answers(place.inside.rpartition(".")[2])
        return answers or self.interest.in_range(node)

    def _statement(self, node: ast.stmt, place: Place) -> None:
        if type(node) in _SIMPLE:
            self._simple(node, place)
            return
        match node:
            case ast.If(test, body, orelse):
                if not self._matters(node, place):
                    return
                condition = condition_of(test, place.inside)
                self.expressions.read(test, place)
                self._block(body, self.expressions.under(place, condition, node))
                self._block(orelse, self.expressions.under(place, negation(condition), node))
            case ast.While(test, body, orelse):
                self.expressions.read(test, place)
                condition = condition_of(test, place.inside)
                self._block(body, self.expressions.under(place, condition, node))
                self._block(orelse, place)
            case ast.Try() | ast.TryStar():
                self._try(node, place)
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                self._function(node, place)
            case ast.ClassDef():
                self._class(node, place)
            case ast.Import() | ast.ImportFrom():
                self.imports.read(node, place)
            case _:
                self._repeated_or_simple(node, place)

    def _repeated_or_simple(self, node: ast.stmt, place: Place) -> None:
        match node:
            case ast.With(items, body) | ast.AsyncWith(items, body):
                for item in items:
                    self.expressions.read(item.context_expr, place)
                self._block(body, self._catching(suppressed_by(node), node, place))
            case ast.For() | ast.AsyncFor():
                self.expressions.read(node.iter, place)
                names = _names(node.iter)
                loops = tuple((name, names) for name in _names(node.target))
                inner = replace(place, loops=place.loops + loops)
                self._block([*node.body, *node.orelse], inner)
            case ast.Match(subject, cases):
                self.expressions.read(subject, place)
                for case in cases:
                    self._block(case.body, self.expressions.under(place, UNDECIDED, case.pattern))
            case _:
                self._simple(node, place)

    def _simple(self, node: ast.stmt, place: Place) -> None:
        match node:
            case ast.Return(value) if value is not None:
                answer = condition_of(value, place.inside)
                self.returns.setdefault(place.inside, []).append(Returned(place.guards, answer))
                self.bindings.tests.append(answer)
            case ast.Assign([ast.Name(name)], value) | ast.AnnAssign(
                ast.Name(name), _, ast.expr() as value
            ):
                self._assigned(name, value, place)
            case ast.Assign([ast.Tuple(targets)], ast.Call()):
                for target in targets:  # `kernels, is_gpu = load()`: perhaps another module
                    self.operators.extensions.pop(getattr(target, "id", ""), None)
        if not self.interest.in_range(node):
            return
        if isinstance(node, ast.Assert):
            self.operators.asserted(node.test, place)
        self.operators.store(node, place)
        for child in children_of(node):
            if isinstance(child, ast.expr):
                self.expressions.read(child, place)

    def _assigned(self, name: str, value: ast.expr, place: Place) -> None:
        scope = ".".join(place.classes) if place.classes and not place.inside else place.inside
        condition = condition_of(value, place.inside)
        if place.guards:
            self.bindings.assign_guarded((scope, name), condition, self.bodies.get(scope))
        else:
            self.bindings.assign((scope, name), condition)

    # ---- definitions

    def _function(self, node: Function, place: Place) -> None:
        outer = [place.inside] if place.inside else list(place.classes)
        name = ".".join([*outer, node.name])
        guards = place.guards
        implicit = False
        self.operators.fakes.defined(node, name, self.operators.at(node), place.guards)
        for decorator in node.decorator_list:
            self.operators.decorating = name
            self.expressions.read(decorator, place)
            self.operators.decorating = ""
            guards += self._decorator_guards(decorator, place)
            implicit = implicit or not is_plain(decorator)
        for default in (*node.args.defaults, *node.args.kw_defaults):
            if default is not None:
                self.expressions.read(default, place)
        self.functions[name] = FunctionFacts(
            name, self.operators.at(node), guards, is_implicit=implicit or bool(place.classes)
        )
        if self.interest.in_range(node) or self.interest.answers(node.name):
            self.bodies[name] = node
            self.operators.around.append(node)
            later = tuple(map(_outlived, guards))
            before = len(self.operators.calls)
            self._block(node.body, Place(name, later, at_import=False))
            if len(self.operators.calls) > before:
                self.operators.held(calls_of_held(node), before)
            self.operators.around.pop()

    def _class(self, node: ast.ClassDef, place: Place) -> None:
        name = ".".join([*place.classes, node.name]) if not place.inside else node.name
        guards = place.guards
        for decorator in node.decorator_list:
            self.expressions.read(decorator, place)
            guards += self._decorator_guards(decorator, place)
        self.bases[name] = tuple(dotted(base) for base in node.bases)
        for base in node.bases:
            self.expressions.read(base, place)
        plain = all(is_plain(decorator) for decorator in node.decorator_list)
        self.functions[name] = FunctionFacts(
            name, self.operators.at(node), guards, is_class=True, is_implicit=not plain
        )
        if self.interest.in_range(node) or _answers(node):
            inner = replace(place, guards=guards, classes=(*place.classes, node.name))
            self._block(node.body, inner)

    def _decorator_guards(self, decorator: ast.expr, place: Place) -> tuple[Guard, ...]:
        return self.expressions.guard(condition_of_decorator(decorator, place.inside), decorator)

    # ---- try, with

    def _try(self, node: ast.Try | ast.TryStar, place: Place) -> None:
        caught = {name for handler in node.handlers for name in caught_by(handler)}
        self._block(node.body, self._catching(caught, node, place))
        for handler in node.handlers:
            self._block(handler.body, self.expressions.under(place, UNDECIDED, handler))
        self._block(node.orelse, self._after_imports(node, place))
        self._block(node.finalbody, place)

    def _after_imports(self, node: ast.Try | ast.TryStar, place: Place) -> Place:
        """Return the place of `else`: what the body imports was there."""
        for statement in node.body:
            if isinstance(statement, ast.Import):
                imported = Predicate("imported", (statement.names[0].name,))
                place = self.expressions.under(place, imported, statement)
        return place

    def _catching(self, names: set[str], node: ast.stmt, place: Place) -> Place:
        """Return the place of what some exceptions may end."""
        if names & CATCHES_ABSENCE:
            place = self.expressions.under(place, Predicate("caught", ("absence",)), node)
        if names & CATCHES_IMPORT:
            place = self.expressions.under(place, Predicate("caught", ("import",)), node)
        return place


def _outlived(guard: Guard) -> Guard:
    """Return what a guard around a definition says in its body: a `try` is over by then."""
    is_caught = isinstance(guard.condition, Predicate) and guard.condition.name == "caught"
    return Guard(DEFINED_IN_TRY, guard.location, guard.is_of_module) if is_caught else guard


def _names(node: ast.AST) -> tuple[str, ...]:
    """Return the plain names in an expression."""
    return tuple(inner.id for inner in ast.walk(node) if isinstance(inner, ast.Name))


def _answers(node: ast.ClassDef) -> bool:
    """Return whether a class has methods that a guard may ask."""
    return any(isinstance(inner, ast.FunctionDef) and may_answer(inner.name) for inner in node.body)
