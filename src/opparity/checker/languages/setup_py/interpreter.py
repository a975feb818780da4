"""Statements, functions and modules of a build script; nothing of it is run."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import TYPE_CHECKING

from opparity.checker.facts.conditions import Truth, any_of
from opparity.checker.languages.interpreting import charge, merge_ways
from opparity.checker.languages.setup_py.calls import Caller, Frame, Leaves
from opparity.checker.languages.setup_py.collection_methods import extend
from opparity.checker.languages.setup_py.iteration import items_of
from opparity.checker.languages.setup_py.values import (
    NONE,
    Class,
    Collection,
    Function,
    Library,
    Module,
    Newest,
    Scope,
    Unsure,
    Value,
    join,
    truth_of_value,
    weaker,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


@dataclass(eq=False)
class Interpreter(Caller):
    """Runs a script's statements; a branch that is not decided is run both ways."""

    def run(self, body: Sequence[ast.stmt]) -> None:
        """Run statements until control leaves."""
        frame = self.frames[-1]
        for statement in body:
            if frame.alive is Truth.FALSE:
                return
            reached = self.path
            self.path = weaker(reached, frame.alive)
            self._statement(statement, frame)
            self.path = reached

    def _statement(self, node: ast.stmt, frame: Frame) -> None:
        self.count_step()
        match node:
            case ast.Expr(value):
                self.evaluate(value, frame.scope)
            case ast.Assign(targets, value):
                result = self.evaluate(value, frame.scope)
                for target in targets:
                    self.assign(target, result, frame.scope)
            case ast.AnnAssign(target, _, ast.expr() as value):
                self.assign(target, self.evaluate(value, frame.scope), frame.scope)
            case ast.AugAssign():
                self._augment(node, frame)
            case _:
                self._compound(node, frame)

    def _compound(self, node: ast.stmt, frame: Frame) -> None:
        match node:
            case ast.If(test, body, orelse):
                truth = truth_of_value(self.evaluate(test, frame.scope))
                self._branch(truth, lambda: self.run(body), lambda: self.run(orelse))
            case ast.For() | ast.AsyncFor():
                self._loop(node, frame)
            case ast.While(test, body):
                truth = truth_of_value(self.evaluate(test, frame.scope))
                outer = frame.broken
                if truth is not Truth.FALSE:
                    self._branch(Truth.UNKNOWN, lambda: self._iterate(body, frame), _nothing)
                frame.broken = outer
            case ast.With(items, body) | ast.AsyncWith(items, body):
                for item in items:
                    entered = self.evaluate(item.context_expr, frame.scope)
                    if item.optional_vars is not None:
                        self.assign(item.optional_vars, entered, frame.scope)
                self.run(body)
            case ast.Try() | ast.TryStar():
                self._try(node, frame)
            case _:
                self._definition_or_jump(node, frame)

    def _definition_or_jump(self, node: ast.stmt, frame: Frame) -> None:
        match node:
            case ast.FunctionDef(name) | ast.AsyncFunctionDef(name):
                frame.scope.names[name] = Function(node, frame.scope)
            case ast.ClassDef():
                self._define_class(node, frame)
            case ast.Import() | ast.ImportFrom():
                self._import(node, frame)
            case ast.Return(value):
                self._return(self.evaluate(value, frame.scope) if value else NONE, frame)
            case ast.Raise():
                self.leave(Leaves.RAISE)
            case ast.Break() | ast.Continue():
                self._leave_iteration(node, frame)
            case ast.Global(names) | ast.Nonlocal(names):
                is_global = isinstance(node, ast.Global)
                for name in names:
                    owner = self._owner(name, frame.scope, is_global=is_global)
                    if owner is not None and owner is not frame.scope:
                        frame.scope.elsewhere[name] = owner

    def _owner(self, name: str, scope: Scope, *, is_global: bool) -> Scope | None:
        """Return the scope whose name a `global` or `nonlocal` statement means."""
        if is_global:
            return self.modules.get(scope.path)
        outer = scope.parent
        while outer is not None and name not in outer.names:
            outer = outer.parent
        return outer

    def _return(self, value: Value, frame: Frame) -> None:
        if frame.alive is not Truth.FALSE:  # the expression may have raised
            frame.returned.append(value)
            self.leave(Leaves.RETURN)

    def _leave_iteration(self, node: ast.Break | ast.Continue, frame: Frame) -> None:
        if isinstance(node, ast.Break):
            frame.broken = any_of((frame.broken, self.path))
        self.leave(Leaves.BREAK if isinstance(node, ast.Break) else Leaves.CONTINUE)

    def _augment(self, node: ast.AugAssign, frame: Frame) -> None:
        right = self.evaluate(node.value, frame.scope)
        readable = ast.copy_location(
            ast.parse(ast.unparse(node.target), mode="eval").body, node.target
        )
        left = self.evaluate(readable, frame.scope)
        if isinstance(left, Collection) and isinstance(node.op, ast.Add):
            extend(self, left, right)
        else:
            self.assign(node.target, self.binary(node.op, left, right), frame.scope)

    def _branch(self, truth: Truth, first: Callable[[], None], second: Callable[[], None]) -> None:
        """Run the first, the second or both; after both, names hold either's values."""
        if truth is Truth.TRUE:
            return first()
        if truth is Truth.FALSE:
            return second()
        frame = self.frames[-1]
        charge(len(frame.scope.names))
        before, alive = dict(frame.scope.names), frame.alive
        with self.undecided():
            first()
        one, one_alive, one_leaves = frame.scope.names, frame.alive, frame.leaves
        frame.scope.names, frame.alive, frame.leaves = dict(before), alive, None
        with self.undecided():
            second()
        self._merge(frame, (one, one_alive, one_leaves))
        return None

    def _merge(self, frame: Frame, one: tuple[dict[str, Value], Truth, Leaves | None]) -> None:
        names, alive, leaves = one
        other_names, other_alive, other_leaves = frame.scope.names, frame.alive, frame.leaves
        if Leaves.RETURN in {leaves, other_leaves}:
            frame.maybe_returned = True
        if alive is Truth.FALSE and other_alive is Truth.FALSE:
            frame.leaves = other_leaves if leaves is Leaves.RAISE else leaves
            return
        if alive is Truth.FALSE or other_alive is Truth.FALSE:
            gone, kept = (leaves, other_alive) if alive is Truth.FALSE else (other_leaves, alive)
            frame.scope.names = other_names if alive is Truth.FALSE else names
            frame.leaves = None
            # A build that raises is no build: what follows is judged as if it had not.
            frame.alive = kept if gone is Leaves.RAISE else weaker(kept, Truth.UNKNOWN)
            return
        charge(3 * len(names))
        frame.scope.names = merge_ways([names, other_names], _either)
        frame.alive = weaker(alive, other_alive)

    def _loop(self, node: ast.For | ast.AsyncFor, frame: Frame) -> None:
        outer, frame.broken = frame.broken, Truth.FALSE
        self._iterations(node, frame)
        broken, frame.broken = frame.broken, outer
        if frame.alive is not Truth.FALSE:
            self._branch(broken, _nothing, lambda: self.run(node.orelse))

    def _iterations(self, node: ast.For | ast.AsyncFor, frame: Frame) -> None:
        over = self.evaluate(node.iter, frame.scope)
        items, complete = items_of(over)
        for item in items:

            def once(value: Value = item.value) -> None:
                self.assign(node.target, value, frame.scope)
                self._iterate(node.body, frame)

            self._branch(item.present, once, _nothing)
            if frame.alive is Truth.FALSE or frame.broken is Truth.TRUE:
                return
        if complete is not Truth.TRUE:

            def unknown() -> None:
                element = over if isinstance(over, Newest) else Unsure("element")
                self.assign(node.target, element, frame.scope)
                self._iterate(node.body, frame)

            self._branch(Truth.UNKNOWN, unknown, _nothing)

    def _iterate(self, body: Sequence[ast.stmt], frame: Frame) -> None:
        before = frame.alive
        self.run(body)
        if frame.alive is Truth.FALSE and frame.leaves in {Leaves.BREAK, Leaves.CONTINUE}:
            frame.alive, frame.leaves = before, None
        elif frame.alive is Truth.UNKNOWN and not frame.maybe_returned:
            frame.alive = before

    def _try(self, node: ast.Try | ast.TryStar, frame: Frame) -> None:
        outer, frame.may_fail = frame.may_fail, Truth.FALSE
        charge(len(frame.scope.names))
        before = dict(frame.scope.names)
        self.run(node.body)
        failed = Truth.TRUE if frame.leaves is Leaves.RAISE else frame.may_fail
        if frame.alive is Truth.FALSE and frame.leaves is Leaves.RAISE and node.handlers:
            frame.alive, frame.leaves, frame.fails = Truth.TRUE, None, False
        frame.may_fail = outer
        if failed is Truth.TRUE:
            for handler in node.handlers[:1]:
                self.run(handler.body)
        elif failed is Truth.UNKNOWN and frame.alive is not Truth.FALSE:
            after = frame.scope.names

            def handle() -> None:
                frame.scope.names = dict(before)
                for handler in node.handlers[:1]:
                    self.run(handler.body)

            def succeed() -> None:
                frame.scope.names = after
                self.run(node.orelse)

            self._branch(Truth.UNKNOWN, handle, succeed)
        else:
            self.run(node.orelse)
        self._finally(node.finalbody, frame)

    def _finally(self, body: Sequence[ast.stmt], frame: Frame) -> None:
        alive, leaves = frame.alive, frame.leaves
        if not body:
            return
        frame.alive, frame.leaves = Truth.TRUE, None
        self.run(body)
        if frame.alive is Truth.TRUE:
            frame.alive, frame.leaves = alive, leaves

    def _define_class(self, node: ast.ClassDef, frame: Frame) -> None:
        bases = tuple(self.evaluate(base, frame.scope) for base in node.bases)
        inner = Scope({}, frame.scope.path, frame.scope)
        self.run_frame(Frame(inner), node.body)
        defined = Class(node.name, bases, inner.names, frame.scope.path)
        for name, value in inner.names.items():
            if isinstance(value, Function):
                inner.names[name] = Function(value.node, frame.scope, defined)
        frame.scope.names[node.name] = defined

    def _import(self, node: ast.Import | ast.ImportFrom, frame: Frame) -> None:
        names = frame.scope.names
        if isinstance(node, ast.Import):
            for alias in node.names:
                file = self.module_file(alias.name.replace(".", "/"))
                bound = alias.asname or alias.name.partition(".")[0]
                outside = alias.name if alias.asname else bound
                names[bound] = (
                    Module(file) if file and alias.asname else self._outside(outside, frame)
                )
                if file and not alias.asname and "." not in alias.name:
                    names[bound] = Module(file)
            return
        base = self._import_base(node, frame.scope.path)
        file = self.module_file(base) if base is not None else None
        for alias in node.names:
            bound = alias.asname or alias.name
            submodule = self.module_file(f"{base}/{alias.name}") if base is not None else None
            if submodule:
                names[bound] = Module(submodule)
            elif file and alias.name == "*":
                self._import_everything(file, names)
            elif file:
                names[bound] = Module(file, alias.name)
            elif node.level == 0:
                names[bound] = self.attribute(self._outside(node.module or "", frame), alias.name)
            else:
                names[bound] = Unsure(alias.name)

    def _import_everything(self, file: str, names: dict[str, Value]) -> None:
        scope = self.run_module(file)
        if scope:
            charge(len(scope.names))
            names.update(
                {name: value for name, value in scope.names.items() if not name.startswith("_")}
            )

    def _outside(self, module: str, frame: Frame) -> Value:
        importable = self.world.importable(module)
        if importable is Truth.FALSE:
            self.leave(Leaves.RAISE)
        elif importable is Truth.UNKNOWN:
            frame.may_fail = Truth.UNKNOWN
        return Library(module)

    def _import_base(self, node: ast.ImportFrom, path: str) -> str | None:
        inside = (node.module or "").replace(".", "/")
        if node.level == 0:
            return inside
        folder = path.rpartition("/")[0].split("/") if "/" in path else []
        if node.level - 1 > len(folder):
            return None
        kept = folder[: len(folder) - (node.level - 1)]
        return "/".join([*kept, *([inside] if inside else [])])


def _nothing() -> None:
    """Do nothing: the branch that is not there."""


def _either(one: Value | None, other: Value | None) -> Value:
    return join([value for value in (one, other) if value is not None])
