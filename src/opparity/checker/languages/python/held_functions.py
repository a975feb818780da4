"""Calls of functions that a variable holds: `scale = _C.scale_half`, and then `scale(x)`."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from opparity.checker.languages.python.bindings import children_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from opparity.checker.languages.python.bindings import Function

# A variable -> every value that it may have, where each is known.
_Held = dict[str, tuple[ast.expr, ...]]
_LEAVING = (ast.Return, ast.Raise, ast.Continue, ast.Break)
_SIMPLE = (ast.Expr, ast.Return, ast.Assign, ast.AnnAssign, ast.AugAssign, ast.Raise, ast.Assert)
_INNER = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)


def calls_of_held(function: Function) -> Iterator[tuple[ast.Call, ast.expr]]:
    """Yield the calls of a function's variables, each with what the variable may hold there.

    A variable that a loop, a `try` or anything else than a plain assignment may have given
    something holds nothing that is known.
    """
    yield from _block(function.body, {})


def _block(body: Sequence[ast.stmt], held: _Held) -> Iterator[tuple[ast.Call, ast.expr]]:
    """Yield a block's calls; `held` is then what holds behind it."""
    for statement in body:
        if isinstance(statement, ast.If):
            _forget(held, [statement.test])
            yield from _calls_in(statement.test, held)
            yield from _if(statement, held)
        elif isinstance(statement, _SIMPLE):
            value = getattr(statement, "value", None)
            _forget(held, [value] if value is not None else [])  # by `:=`, or in a comprehension
            yield from _calls_in(statement, held)
            _forget(held, [statement])
            match statement:
                case ast.Assign([ast.Name(name)], ast.Attribute() as value):
                    held[name] = (value,)
                case ast.Assign([ast.Name(name)], ast.IfExp(_, first, second)):
                    if isinstance(first, ast.Attribute) and isinstance(second, ast.Attribute):
                        held[name] = (first, second)
        elif isinstance(statement, ast.With | ast.AsyncWith):
            _forget(held, [statement])
            yield from _block(statement.body, held)
            _forget(held, [statement])
        else:
            _forget(held, [statement])


def _if(statement: ast.If, held: _Held) -> Iterator[tuple[ast.Call, ast.expr]]:
    ways: list[_Held] = []
    for branch in (statement.body, statement.orelse):
        way = dict(held)
        yield from _block(branch, way)
        if not any(isinstance(each, _LEAVING) for each in branch):
            ways.append(way)
    held.clear()
    if ways:
        first, *others = ways
        for name, values in first.items():
            if all(name in other for other in others):
                every = (*values, *(value for other in others for value in other[name]))
                held[name] = tuple(dict.fromkeys(every))


def _forget(held: _Held, statements: Sequence[ast.AST]) -> None:
    """Drop the names that statements may give another value."""
    waiting = list(statements) if held else []
    while waiting:
        node = waiting.pop()
        for name in _names_given(node):
            held.pop(name, None)
        waiting += children_of(node)


def _names_given(node: ast.AST) -> Sequence[str]:
    match node:
        case ast.Name(name, ast.Store() | ast.Del()):
            return [name]
        case (
            ast.ExceptHandler(_, str(name))
            | ast.MatchAs(_, str(name))
            | ast.MatchStar(str(name))
            | ast.FunctionDef(name)
            | ast.AsyncFunctionDef(name)
            | ast.ClassDef(name)
        ):
            return [name]
        case ast.alias(name, bound):
            return [bound or name.partition(".")[0]]
        case ast.Global(names) | ast.Nonlocal(names):
            return names
        case _:
            return []


def _calls_in(node: ast.AST, held: _Held) -> Iterator[tuple[ast.Call, ast.expr]]:
    waiting = [node] if held else []
    while waiting:
        current = waiting.pop()
        if isinstance(current, _INNER):
            continue
        if isinstance(current, ast.Call) and isinstance(current.func, ast.Name):
            for value in held.get(current.func.id, ()):
                yield current, value
        waiting += children_of(current)
