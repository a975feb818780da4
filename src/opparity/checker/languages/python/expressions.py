"""Expressions of a Python file: the operators and names in them, with the guards around each."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from opparity.checker.facts.conditions import ALWAYS, negation
from opparity.checker.facts.python import Guard
from opparity.checker.languages.python.bindings import children_of
from opparity.checker.languages.python.records import NameUse
from opparity.checker.languages.python.tests_of_platform import condition_of, dotted

if TYPE_CHECKING:
    from opparity.checker.facts.conditions import Condition
    from opparity.checker.languages.python.bindings import Bindings
    from opparity.checker.languages.python.operator_uses import OperatorUses
    from opparity.checker.languages.python.records import Place

# Expressions a part of which runs only under a condition, or in a scope of its own.
_GUARDING_EXPRESSIONS = frozenset(
    {
        ast.BoolOp,
        ast.IfExp,
        ast.Lambda,
        ast.Compare,
        ast.ListComp,
        ast.SetComp,
        ast.GeneratorExp,
        ast.DictComp,
    }
)
_LOAD = ast.Load()


# `scale.register_autograd(…)`, of an operator that a decorator made of `scale`: no call of it.
_OF_DEFINED_OPERATORS = frozenset(
    {"register_autograd", "register_autocast", "register_fake", "register_kernel", "register_vmap"}
)


@dataclass(slots=True)
class Expressions:
    """Collects what a file's expressions touch and name.

    Attributes:
        operators: what touches operators.
        bindings: what is told of every test.
        uses: the names that are used.
    """

    operators: OperatorUses
    bindings: Bindings
    uses: list[NameUse] = field(default_factory=list)

    def guard(self, test: Condition, node: ast.AST) -> tuple[Guard, ...]:
        """Return the guard of what a test lets through."""
        if test == ALWAYS:
            return ()
        self.bindings.tests.append(test)
        return (Guard(test, self.operators.at(node)),)

    def under(self, place: Place, condition: Condition, node: ast.AST) -> Place:
        """Return a place behind a test."""
        return place.under(self.guard(condition, node))

    def read(self, node: ast.expr, place: Place) -> None:
        """Record the operators and names in an expression, with the guards inside it."""
        if type(node) not in _GUARDING_EXPRESSIONS:
            self._record(node, place)
            return
        match node:
            case ast.BoolOp(kind, values):
                here = place
                for value in values:
                    self.read(value, here)
                    condition = condition_of(value, place.inside)
                    passed = condition if isinstance(kind, ast.And) else negation(condition)
                    here = self.under(here, passed, value)
            case ast.IfExp(test, body, orelse):
                condition = condition_of(test, place.inside)
                self.read(test, place)
                self.read(body, self.under(place, condition, node))
                self.read(orelse, self.under(place, negation(condition), node))
            case ast.Lambda(_, body):
                self.read(body, replace(place, at_import=False))
            case ast.Compare(left, _, comparators):
                inner = replace(place, is_compared=True)
                for operand in (left, *comparators):
                    self.read(operand, inner)
            case ast.ListComp() | ast.SetComp() | ast.GeneratorExp() | ast.DictComp():
                self._comprehension(node, place)

    def _comprehension(
        self, node: ast.ListComp | ast.SetComp | ast.GeneratorExp | ast.DictComp, place: Place
    ) -> None:
        here = place
        for generator in node.generators:
            self.read(generator.iter, here)
            for test in generator.ifs:
                self.read(test, here)
                here = self.under(here, condition_of(test, place.inside), test)
        parts = [node.key, node.value] if isinstance(node, ast.DictComp) else [node.elt]
        for part in parts:
            self.read(part, here)

    def _record(self, node: ast.expr, place: Place) -> None:
        if isinstance(node, ast.Constant):
            return
        function = node.func if isinstance(node, ast.Call) else None
        name = dotted(function or node)
        if isinstance(node, ast.Name):
            if isinstance(node.ctx, ast.Load):
                self._use(name, node, place)
            return
        is_recorded = self.operators.record(node, name, place)
        children = [] if is_recorded and function is None else children_of(node)
        if is_recorded:
            children = [child for child in children if child is not function]
        if name and isinstance(getattr(node, "ctx", _LOAD), ast.Load):
            self._use(name, node, place)
            children = [child for child in children if not _is_chain(child)]
        for child in children:
            if isinstance(child, ast.expr):
                self.read(child, place)
            elif isinstance(child, ast.keyword):
                self.read(child.value, place)

    def _use(self, name: str, node: ast.expr, place: Place) -> None:
        if isinstance(node, ast.Call) and name.rpartition(".")[2] in _OF_DEFINED_OPERATORS:
            return
        self.uses.append(
            NameUse(
                name,
                self.operators.at(node),
                place.guards,
                place.inside or ".".join(place.classes),
                place.at_import,
                isinstance(node, ast.Call),
                _candidates(node, place) if isinstance(node, ast.Call) else (),
            )
        )


def _candidates(node: ast.Call, place: Place) -> tuple[str, ...]:
    """Return the names that a call may be given, a loop's variable standing for what it visits."""
    given = [
        argument.id
        for argument in (*node.args, *(keyword.value for keyword in node.keywords))
        if isinstance(argument, ast.Name)
    ]
    looped = dict(place.loops)
    visited = [name for argument in given for name in looped.get(argument, ())]
    return tuple(dict.fromkeys([*given, *visited]))


def _is_chain(node: ast.AST) -> bool:
    return isinstance(node, ast.Attribute | ast.Name) and bool(dotted(node))
