"""One function for each kind of expression."""

from __future__ import annotations

import ast
import builtins
import operator
from typing import TYPE_CHECKING, Any

from opparity.checker.facts.conditions import Truth
from opparity.checker.languages.setup_py.comparisons import compare
from opparity.checker.languages.setup_py.elements import element_of, slice_of
from opparity.checker.languages.setup_py.iteration import items_of
from opparity.checker.languages.setup_py.lifting import lift
from opparity.checker.languages.setup_py.values import (
    MOST_ITEMS,
    NONE,
    Collection,
    CommandLine,
    Function,
    Item,
    Known,
    Library,
    Module,
    Scope,
    Table,
    Unsure,
    Value,
    join,
    key_of,
    truth_of_value,
    weaker,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from opparity.checker.languages.setup_py.expressions import Evaluator

# Larger ones are no number of anything that is built; Python refuses to write them as text.
_MOST_BITS = 64
_BUILTINS = frozenset(dir(builtins))


def _constant(self: Evaluator, node: ast.Constant, scope: Scope) -> Value:
    if isinstance(node.value, int) and node.value.bit_length() > _MOST_BITS:
        return Unsure("number")
    if isinstance(node.value, str | int | float | bool | bytes | None):
        return Known(node.value, self.location(node, scope))
    return Unsure("constant")


def _name(self: Evaluator, node: ast.Name, scope: Scope) -> Value:
    found = scope.find(node.id)
    if isinstance(found, Module) and found.name:
        return self.resolve(found)
    if found is not None:
        return found
    if node.id == "__file__":
        return Known(self.paths.absolute("/<tree>/" + scope.path))
    if node.id == "__name__":
        return Known("__main__" if scope.path.endswith("setup.py") else "module")
    return Library("builtins." + node.id) if node.id in _BUILTINS else Unsure(node.id)


def _joined(self: Evaluator, node: ast.JoinedStr, scope: Scope) -> Value:
    parts: list[Value] = []
    for part in node.values:
        if isinstance(part, ast.FormattedValue):
            plain = part.format_spec is None and part.conversion < 0
            parts.append(self.evaluate(part.value, scope) if plain else Unsure("format"))
        else:
            parts.append(self.evaluate(part, scope))
    text = lift(lambda *known: "".join(str(each) for each in known), *parts)
    return Known(text.value, self.location(node, scope)) if isinstance(text, Known) else text


def _attribute(self: Evaluator, node: ast.Attribute, scope: Scope) -> Value:
    return self.attribute(self.evaluate(node.value, scope), node.attr)


def _sequence(self: Evaluator, node: ast.List | ast.Tuple | ast.Set, scope: Scope) -> Value:
    items: list[Item] = []
    complete = Truth.TRUE
    for element in node.elts:
        if isinstance(element, ast.Starred):
            found, whole = items_of(self.evaluate(element.value, scope))
            items.extend(found)
            complete = weaker(complete, whole)
        else:
            items.append(Item(self.evaluate(element, scope)))
    return Collection(type(node).__name__.lower(), items, complete, self.standing())


def _dictionary(self: Evaluator, node: ast.Dict, scope: Scope) -> Value:
    table = Table({})
    for key_node, value_node in zip(node.keys, node.values, strict=True):
        value = self.evaluate(value_node, scope)
        if key_node is None:
            if isinstance(value, Table):
                table.entries.update(value.entries)
                table.complete = weaker(table.complete, value.complete)
            else:
                table.complete = Truth.UNKNOWN
            continue
        key = key_of(self.evaluate(key_node, scope))
        if isinstance(key, Unsure):
            table.complete = Truth.UNKNOWN
        else:
            table.entries[key] = Item(value)
    return table


def _conditional(self: Evaluator, node: ast.IfExp, scope: Scope) -> Value:
    truth = truth_of_value(self.evaluate(node.test, scope))
    if truth is Truth.TRUE:
        return self.evaluate(node.body, scope)
    if truth is Truth.FALSE:
        return self.evaluate(node.orelse, scope)
    return join([self.evaluate(node.body, scope), self.evaluate(node.orelse, scope)])


def _boolean(self: Evaluator, node: ast.BoolOp, scope: Scope) -> Value:
    stops = Truth.FALSE if isinstance(node.op, ast.And) else Truth.TRUE
    open_values: list[Value] = []
    for operand in node.values:
        value = self.evaluate(operand, scope)
        truth = truth_of_value(value)
        if truth is stops:
            # What could have stopped earlier has the same truth only for `and`; of `or`, whatever
            # is taken is true.
            return value if stops is Truth.FALSE else join([*map(_if_true, open_values), value])
        if truth is Truth.UNKNOWN or operand is node.values[-1]:
            open_values.append(value)
    return join(open_values)


def _if_true(value: Value) -> Value:
    if isinstance(value, Unsure) and value.truth is Truth.UNKNOWN:
        return Unsure(value.reason, Truth.TRUE)
    return value


def _unary(self: Evaluator, node: ast.UnaryOp, scope: Scope) -> Value:
    value = self.evaluate(node.operand, scope)
    if isinstance(node.op, ast.Not):
        truth = truth_of_value(value).negate()
        return Unsure("not") if truth is Truth.UNKNOWN else Known(truth is Truth.TRUE)
    return lift(operator.neg, value) if isinstance(node.op, ast.USub) else Unsure("unary")


def _binary(self: Evaluator, node: ast.BinOp, scope: Scope) -> Value:
    return self.binary(node.op, self.evaluate(node.left, scope), self.evaluate(node.right, scope))


def _comparison(self: Evaluator, node: ast.Compare, scope: Scope) -> Value:
    left = self.evaluate(node.left, scope)
    truths: list[Truth] = []
    for kind, right_node in zip(node.ops, node.comparators, strict=True):
        right = self.evaluate(right_node, scope)
        if isinstance(right, Collection) and isinstance(kind, ast.In | ast.NotIn):
            self.count_step(len(right.items))
        truths.append(compare(kind, left, right, self.world))
        left = right
    truth = weaker(*truths)
    return Unsure("comparison") if truth is Truth.UNKNOWN else Known(truth is Truth.TRUE)


def _subscript(self: Evaluator, node: ast.Subscript, scope: Scope) -> Value:
    value = self.evaluate(node.value, scope)
    if isinstance(value, CommandLine):
        # Which words stand where is not known; of a slice the options are asked as of the whole.
        return value if isinstance(node.slice, ast.Slice) else Unsure("command line")
    if isinstance(node.slice, ast.Slice):
        limits = (node.slice.lower, node.slice.upper, node.slice.step)
        return slice_of(value, [self.evaluate(end, scope) if end else NONE for end in limits])
    return element_of(value, self.evaluate(node.slice, scope), self.world)


def _comprehension(
    self: Evaluator, node: ast.ListComp | ast.SetComp | ast.GeneratorExp, scope: Scope
) -> Value:
    inner = Scope({}, scope.path, scope)
    kind = "set" if isinstance(node, ast.SetComp) else "list"
    result = Collection(kind, [])

    def add(present: Truth) -> None:
        if len(result.items) < MOST_ITEMS:
            result.items.append(Item(self.evaluate(node.elt, inner), present))

    complete = self.generate(node.generators, inner, Truth.TRUE, add)
    result.complete = Truth.UNKNOWN if len(result.items) >= MOST_ITEMS else complete
    return result


def _dictionary_comprehension(self: Evaluator, node: ast.DictComp, scope: Scope) -> Value:
    inner = Scope({}, scope.path, scope)
    table = Table({})

    def add(present: Truth) -> None:
        key = key_of(self.evaluate(node.key, inner))
        value = self.evaluate(node.value, inner)
        if isinstance(key, Unsure):
            table.complete = Truth.UNKNOWN
        else:
            table.entries[key] = Item(value, present)

    table.complete = weaker(table.complete, self.generate(node.generators, inner, Truth.TRUE, add))
    return table


def _lambda(_self: Evaluator, node: ast.Lambda, scope: Scope) -> Value:
    return Function(node, scope)


def _named(self: Evaluator, node: ast.NamedExpr, scope: Scope) -> Value:
    value = self.evaluate(node.value, scope)
    scope.names[node.target.id] = value
    return value


def _call(self: Evaluator, node: ast.Call, scope: Scope) -> Value:
    return self.call(node, scope)


HANDLERS: dict[type[ast.expr], Callable[[Evaluator, Any, Scope], Value]] = {
    ast.Constant: _constant,
    ast.Name: _name,
    ast.JoinedStr: _joined,
    ast.Attribute: _attribute,
    ast.List: _sequence,
    ast.Tuple: _sequence,
    ast.Set: _sequence,
    ast.Dict: _dictionary,
    ast.IfExp: _conditional,
    ast.BoolOp: _boolean,
    ast.UnaryOp: _unary,
    ast.BinOp: _binary,
    ast.Compare: _comparison,
    ast.Subscript: _subscript,
    ast.ListComp: _comprehension,
    ast.SetComp: _comprehension,
    ast.GeneratorExp: _comprehension,
    ast.DictComp: _dictionary_comprehension,
    ast.Lambda: _lambda,
    ast.NamedExpr: _named,
    ast.Call: _call,
}
