"""What a call in a build script gives a function, and what the function's parameters are then."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from opparity.checker.facts.conditions import Truth
from opparity.checker.languages.setup_py.values import (
    Choice,
    Collection,
    Function,
    Item,
    Library,
    Scope,
    Table,
    Unsure,
    Value,
    items_of,
    join,
)

if TYPE_CHECKING:
    from opparity.checker.languages.setup_py.expressions import Evaluator

# Stands among a call's keywords where a `*list` or `**table` may give others that are not known.
_FURTHER = "**"
# What `setup` is told of the package says nothing of its extensions; vLLM reads its requirements
# line by line for it, which takes half of the script's steps.
_OF_THE_PACKAGE = frozenset(
    {"install_requires", "extras_require", "tests_require", "setup_requires", "version"}
    | {"description", "long_description", "classifiers", "entry_points", "python_requires"}
)


def arguments_of(
    evaluator: Evaluator, call: ast.Call, function: Value, scope: Scope
) -> tuple[list[Value], dict[str, Value]]:
    """Return the arguments of a call by position and by name."""
    arguments: list[Value] = []
    keywords: dict[str, Value] = {}
    for argument in call.args:
        if isinstance(argument, ast.Starred):
            items, complete = items_of(evaluator.evaluate(argument.value, scope))
            arguments.extend(item.value for item in items)
            if complete is not Truth.TRUE:
                keywords[_FURTHER] = Unsure("arguments")
        else:
            value = evaluator.evaluate(argument, scope)
            # Behind a list of unknown length nothing has a place that is known.
            arguments.append(Unsure("arguments") if _FURTHER in keywords else value)
    is_setup = _is_setup(function)
    for keyword in call.keywords:
        if is_setup and _says_nothing(keyword):
            continue
        value = evaluator.evaluate(keyword.value, scope)
        keywords |= _spread(value) if keyword.arg is None else {keyword.arg: value}
    return arguments, keywords


def _is_setup(function: Value) -> bool:
    """Return whether a function is `setup`, of whichever package."""
    options = function.options if isinstance(function, Choice) else (function,)
    return all(isinstance(each, Library) and each.name.endswith("setup") for each in options)


def _says_nothing(keyword: ast.keyword) -> bool:
    """Return whether a keyword of `setup` is about the package alone."""
    is_computed = keyword.arg is None and not isinstance(keyword.value, ast.Name)
    return is_computed or keyword.arg in _OF_THE_PACKAGE


def _spread(value: Value) -> dict[str, Value]:
    """Return what `**table` gives a call by keyword, as far as that is known."""
    if not isinstance(value, Table):
        return {_FURTHER: value}
    found = {name: item.value for name, item in value.entries.items() if isinstance(name, str)}
    return found if value.complete is Truth.TRUE else found | {_FURTHER: value}


def bind_arguments(
    evaluator: Evaluator,
    function: Function,
    arguments: list[Value],
    keywords: dict[str, Value],
    scope: Scope,
) -> None:
    """Give a function's parameters their values: an argument, the default, or either of them."""
    given = function.node.args
    names = [argument.arg for argument in (*given.posonlyargs, *given.args)]
    for name in (*names, *(argument.arg for argument in given.kwonlyargs)):
        scope.names[name] = Unsure(name)
    complete = Truth.UNKNOWN if _FURTHER in keywords else Truth.TRUE
    for name, default in _defaults(given):
        value = evaluator.evaluate(default, function.scope)
        scope.names[name] = value if complete is Truth.TRUE else join([value, Unsure(name)])
    positional = [*([] if function.receiver is None else [function.receiver]), *arguments]
    scope.names.update(zip(names, positional, strict=False))
    own = {name: value for name, value in keywords.items() if name in scope.names}
    scope.names.update(own)
    # A function that is looked at although nobody calls it is given nothing at all.
    is_called = bool(arguments or keywords)
    if given.vararg:
        rest = [Item(value) for value in positional[len(names) :]]
        several = Collection("tuple", rest, complete)
        scope.names[given.vararg.arg] = several if is_called else Unsure(given.vararg.arg)
    if given.kwarg:
        further = Table({}, complete)
        for name, value in keywords.items():
            if name not in own and name != _FURTHER:
                further.entries[name] = Item(value)
        scope.names[given.kwarg.arg] = further if is_called else Unsure(given.kwarg.arg)


def _defaults(given: ast.arguments) -> list[tuple[str, ast.expr]]:
    """Return the parameters that have a default, each with it."""
    names = [argument.arg for argument in (*given.posonlyargs, *given.args)]
    found = list(zip(names[len(names) - len(given.defaults) :], given.defaults, strict=True))
    by_name = zip(given.kwonlyargs, given.kw_defaults, strict=True)
    return found + [(each.arg, default) for each, default in by_name if default is not None]
