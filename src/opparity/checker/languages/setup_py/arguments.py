"""What a call in a build script gives a function, and what the function's parameters are then."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from opparity.checker.facts.conditions import Truth
from opparity.checker.languages.setup_py.iteration import items_of
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
    join,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from opparity.checker.languages.setup_py.expressions import Evaluator

# Stands among a call's keywords where a `*list` or `**table` may give others that are not known.
FURTHER = "**"
# What `*arguments` and `**options` are in a function that is looked at although nobody calls it:
# what it would be given says nothing of an extension that anybody makes.
_NEVER_GIVEN = Unsure("nobody calls the function")
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
            value = evaluator.evaluate(argument.value, scope)
            items, complete = items_of(value)
            arguments.extend(item.value for item in items)
            if complete is not Truth.TRUE:
                keywords = _with_further(keywords, value)
        else:
            value = evaluator.evaluate(argument, scope)
            # Behind a list of unknown length nothing has a place that is known.
            arguments.append(Unsure("arguments") if FURTHER in keywords else value)
    is_setup = _is_setup(function)
    for keyword in call.keywords:
        if is_setup and _says_nothing(keyword):
            continue
        value = evaluator.evaluate(keyword.value, scope)
        if keyword.arg is None:
            keywords = _with_spread(keywords, value)
        else:
            keywords[keyword.arg] = value
    return arguments, keywords


def may_be_given(keywords: Mapping[str, Value]) -> bool:
    """Return whether a call may be given arguments that are not known, by whoever runs it."""
    return keywords.get(FURTHER, _NEVER_GIVEN) != _NEVER_GIVEN


def _is_setup(function: Value) -> bool:
    """Return whether a function is `setup`, of whichever package."""
    options = function.options if isinstance(function, Choice) else (function,)
    return all(isinstance(each, Library) and each.name.endswith("setup") for each in options)


def _says_nothing(keyword: ast.keyword) -> bool:
    """Return whether a keyword of `setup` is about the package alone."""
    is_computed = keyword.arg is None and not isinstance(keyword.value, ast.Name)
    return is_computed or keyword.arg in _OF_THE_PACKAGE


def _with_spread(keywords: dict[str, Value], value: Value) -> dict[str, Value]:
    """Return keywords with what `**table` gives a call, as far as that is known."""
    if not isinstance(value, Table):
        return _with_further(keywords, value)
    found = {name: item.value for name, item in value.entries.items() if isinstance(name, str)}
    keywords = keywords | found
    return keywords if value.complete is Truth.TRUE else _with_further(keywords, value)


def _with_further(keywords: dict[str, Value], value: Value) -> dict[str, Value]:
    """Return keywords beside which there may be others, of a value that is not known."""
    return keywords if may_be_given(keywords) else keywords | {FURTHER: value}


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
    complete = Truth.UNKNOWN if FURTHER in keywords else Truth.TRUE
    for name, default in _defaults(given):
        value = evaluator.evaluate(default, function.scope)
        scope.names[name] = value if complete is Truth.TRUE else join([value, Unsure(name)])
    positional = [*([] if function.receiver is None else [function.receiver]), *arguments]
    scope.names.update(zip(names, positional, strict=False))
    own = {name: value for name, value in keywords.items() if name in scope.names}
    scope.names.update(own)
    # A function that is looked at although nobody calls it is given nothing at all, or what such a
    # function was given.
    is_called = bool(arguments or may_be_given(keywords) or keywords.keys() - {FURTHER})
    if given.vararg:
        rest = [Item(value) for value in positional[len(names) :]]
        several = Collection("tuple", rest, complete)
        scope.names[given.vararg.arg] = several if is_called else _NEVER_GIVEN
    if given.kwarg:
        further = Table({}, complete)
        for name, value in keywords.items():
            if name not in own and name != FURTHER:
                further.entries[name] = Item(value)
        passes_on = FURTHER in keywords and not (may_be_given(keywords) or further.entries)
        is_given = is_called and not passes_on
        scope.names[given.kwarg.arg] = further if is_given else _NEVER_GIVEN


def _defaults(given: ast.arguments) -> list[tuple[str, ast.expr]]:
    """Return the parameters that have a default, each with it."""
    names = [argument.arg for argument in (*given.posonlyargs, *given.args)]
    found = list(zip(names[len(names) - len(given.defaults) :], given.defaults, strict=True))
    by_name = zip(given.kwonlyargs, given.kw_defaults, strict=True)
    return found + [(each.arg, default) for each, default in by_name if default is not None]
