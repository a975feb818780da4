"""One Python file's operator uses, names and imports, each with the guards around it."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from opparity.checker.facts.conditions import (
    ALWAYS,
    UNDECIDED,
    Condition,
    Predicate,
    conjunction,
    negation,
)
from opparity.checker.facts.places import Location
from opparity.checker.facts.python import Guard
from opparity.checker.languages.python.bindings import Bindings, Function, Rebound, children_of
from opparity.checker.languages.python.catching import (
    CATCHES_ABSENCE,
    CATCHES_IMPORT,
    caught_by,
    suppressed_by,
)
from opparity.checker.languages.python.interest import Interest, may_answer
from opparity.checker.languages.python.operator_uses import OperatorUses
from opparity.checker.languages.python.records import (
    FunctionFacts,
    ImportSite,
    ModuleFacts,
    NameUse,
    Place,
    Returned,
)
from opparity.checker.languages.python.templates import texts_of
from opparity.checker.languages.python.tests_of_platform import ASSERTED, condition_of, dotted

if TYPE_CHECKING:
    from collections.abc import Sequence

_LEAVING_CALLS = frozenset({"sys.exit", "exit", "quit", "os._exit", "pytest.skip"})
# Decorators that leave the function reachable by its name alone.
_PLAIN_DECORATORS = frozenset(
    {"staticmethod", "classmethod", "property", "cached_property", "contextmanager", "overload"}
    | {"lru_cache", "cache", "wraps", "no_grad", "inference_mode", "dataclass", "override"}
)
_GUARDING_KEYWORDS = frozenset({"supported", "enabled", "condition", "available"})
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
    operators: OperatorUses = field(init=False)
    functions: dict[str, FunctionFacts] = field(default_factory=dict)
    returns: dict[str, list[Returned]] = field(default_factory=dict)
    uses: list[NameUse] = field(default_factory=list)
    imports: list[ImportSite] = field(default_factory=list)
    bindings: Bindings = field(init=False)
    bases: dict[str, tuple[str, ...]] = field(default_factory=dict)
    bodies: dict[str, Function] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.operators = OperatorUses(self.path)
        self.bindings = Bindings(self.rebound)

    def read(self, syntax: ast.Module) -> ModuleFacts:
        """Return everything the file says."""
        self._block(syntax.body, Place())
        once = self.bindings.settled()
        known = {name.partition(".")[0] for name in self.functions}
        known |= {site.bound for site in self.imports}
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
            uses=tuple(use for use in self.uses if use.name.partition(".")[0] in known),
            imports=tuple(self.imports),
            variables={name: value for (inside, name), value in once.items() if not inside},
            locals={key: value for key, value in once.items() if key[0]},
            libraries=dict(self.operators.libraries),
            texts=texts_of(syntax.body),
            bases=dict(self.bases),
        )

    def _at(self, node: ast.AST) -> Location:
        return Location(self.path, getattr(node, "lineno", 1), getattr(node, "col_offset", 0) + 1)

    def _guard(self, test: Condition, node: ast.AST) -> tuple[Guard, ...]:
        if test == ALWAYS:
            return ()
        self.bindings.tests.append(test)
        return (Guard(test, self._at(node)),)

    # A block's statements are guarded by what the statements before them let through.
    def _block(self, body: Sequence[ast.stmt], place: Place) -> None:
        here = place
        for statement in body:
            self._statement(statement, here)
            passed = self._passed(statement, here)
            if passed:
                here = here.under(passed)

    def _passed(self, statement: ast.stmt, place: Place) -> tuple[Guard, ...]:
        """Return the guards that hold after a statement: of an assertion, of an early return."""
        if not isinstance(statement, ast.If | ast.Assert):
            return ()
        match statement:
            case ast.Assert(test):
                condition = conjunction(ASSERTED, condition_of(test, place.inside))
            case ast.If(test, body, orelse) if _leaves(body) != _leaves(orelse):
                condition = condition_of(test, place.inside)
                leaving = body if _leaves(body) else orelse
                met = negation(condition) if leaving is body else condition
                raises = isinstance(leaving[-1], ast.Raise)
                condition = conjunction(ASSERTED, met) if raises else met
            case _:
                return ()
        return () if condition == ASSERTED else self._guard(condition, statement)

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
                self._expression(test, place)
                self._block(body, self._under(place, condition, node))
                self._block(orelse, self._under(place, negation(condition), node))
            case ast.While(test, body, orelse):
                self._expression(test, place)
                condition = condition_of(test, place.inside)
                self._block(body, self._under(place, condition, node))
                self._block(orelse, place)
            case ast.Try() | ast.TryStar():
                self._try(node, place)
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                self._function(node, place)
            case ast.ClassDef():
                self._class(node, place)
            case ast.Import() | ast.ImportFrom():
                self._import(node, place)
            case _:
                self._repeated_or_simple(node, place)

    def _repeated_or_simple(self, node: ast.stmt, place: Place) -> None:
        match node:
            case ast.With(items, body) | ast.AsyncWith(items, body):
                for item in items:
                    self._expression(item.context_expr, place)
                self._block(body, self._suppressing(node, place))
            case ast.For() | ast.AsyncFor():
                self._expression(node.iter, place)
                names = _names(node.iter)
                loops = tuple((name, names) for name in _names(node.target))
                inner = replace(place, loops=place.loops + loops)
                self._block([*node.body, *node.orelse], inner)
            case ast.Match(subject, cases):
                self._expression(subject, place)
                for case in cases:
                    self._block(case.body, self._under(place, UNDECIDED, case.pattern))
            case _:
                self._simple(node, place)

    def _under(self, place: Place, condition: Condition, node: ast.AST) -> Place:
        return place.under(self._guard(condition, node))

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
                self._expression(child, place)

    def _assigned(self, name: str, value: ast.expr, place: Place) -> None:
        scope = ".".join(place.classes) if place.classes and not place.inside else place.inside
        condition = condition_of(value, place.inside)
        if place.guards:
            self.bindings.assign_guarded((scope, name), condition, self.bodies.get(scope))
        else:
            self.bindings.assign((scope, name), condition)

    # ---- expressions

    def _expression(self, node: ast.expr, place: Place) -> None:
        """Record the operators and names in an expression, with the guards inside it."""
        if type(node) not in _GUARDING_EXPRESSIONS:
            self._record(node, place)
            return
        match node:
            case ast.BoolOp(kind, values):
                here = place
                for value in values:
                    self._expression(value, here)
                    condition = condition_of(value, place.inside)
                    passed = condition if isinstance(kind, ast.And) else negation(condition)
                    here = self._under(here, passed, value)
            case ast.IfExp(test, body, orelse):
                condition = condition_of(test, place.inside)
                self._expression(test, place)
                self._expression(body, self._under(place, condition, node))
                self._expression(orelse, self._under(place, negation(condition), node))
            case ast.Lambda(_, body):
                self._expression(body, replace(place, at_import=False))
            case ast.Compare(left, _, comparators):
                inner = replace(place, is_compared=True)
                for operand in (left, *comparators):
                    self._expression(operand, inner)
            case ast.ListComp() | ast.SetComp() | ast.GeneratorExp() | ast.DictComp():
                self._comprehension(node, place)

    def _comprehension(
        self, node: ast.ListComp | ast.SetComp | ast.GeneratorExp | ast.DictComp, place: Place
    ) -> None:
        here = place
        for generator in node.generators:
            self._expression(generator.iter, here)
            for test in generator.ifs:
                self._expression(test, here)
                here = self._under(here, condition_of(test, place.inside), test)
        parts = [node.key, node.value] if isinstance(node, ast.DictComp) else [node.elt]
        for part in parts:
            self._expression(part, here)

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
                self._expression(child, place)
            elif isinstance(child, ast.keyword):
                self._expression(child.value, place)

    def _use(self, name: str, node: ast.expr, place: Place) -> None:
        self.uses.append(
            NameUse(
                name,
                self._at(node),
                place.guards,
                place.inside or ".".join(place.classes),
                place.at_import,
                isinstance(node, ast.Call),
                _candidates(node, place) if isinstance(node, ast.Call) else (),
            )
        )

    # ---- definitions

    def _function(self, node: Function, place: Place) -> None:
        outer = [place.inside] if place.inside else list(place.classes)
        name = ".".join([*outer, node.name])
        guards = place.guards
        implicit = False
        self.operators.fakes.defined(node, name, self._at(node), place.guards)
        for decorator in node.decorator_list:
            self.operators.decorating = name
            self._expression(decorator, place)
            self.operators.decorating = ""
            guards += self._decorator_guards(decorator, place)
            implicit = implicit or not _is_plain(decorator)
        for default in (*node.args.defaults, *node.args.kw_defaults):
            if default is not None:
                self._expression(default, place)
        self.functions[name] = FunctionFacts(
            name, self._at(node), guards, is_implicit=implicit or bool(place.classes)
        )
        if self.interest.in_range(node) or self.interest.answers(node.name):
            self.bodies[name] = node
            self.operators.around.append(node)
            self._block(node.body, Place(name, guards, at_import=False))
            self.operators.around.pop()

    def _class(self, node: ast.ClassDef, place: Place) -> None:
        name = ".".join([*place.classes, node.name]) if not place.inside else node.name
        guards = place.guards
        for decorator in node.decorator_list:
            self._expression(decorator, place)
            guards += self._decorator_guards(decorator, place)
        self.bases[name] = tuple(dotted(base) for base in node.bases)
        for base in node.bases:
            self._expression(base, place)
        plain = all(_is_plain(decorator) for decorator in node.decorator_list)
        self.functions[name] = FunctionFacts(
            name, self._at(node), guards, is_class=True, is_implicit=not plain
        )
        if self.interest.in_range(node) or _answers(node):
            inner = replace(place, guards=guards, classes=(*place.classes, node.name))
            self._block(node.body, inner)

    def _decorator_guards(self, decorator: ast.expr, place: Place) -> tuple[Guard, ...]:
        if not isinstance(decorator, ast.Call):
            return ()
        for keyword in decorator.keywords:
            if keyword.arg in _GUARDING_KEYWORDS:
                return self._guard(condition_of(keyword.value, place.inside), decorator)
        name = dotted(decorator.func)
        if name.endswith("skipif") and decorator.args:
            return self._guard(negation(condition_of(decorator.args[0], place.inside)), decorator)
        return ()

    # ---- try, with, import

    def _try(self, node: ast.Try | ast.TryStar, place: Place) -> None:
        caught = {name for handler in node.handlers for name in caught_by(handler)}
        body = place
        if caught & CATCHES_ABSENCE:
            body = self._under(body, Predicate("caught", ("absence",)), node)
        if caught & CATCHES_IMPORT:
            body = self._under(body, Predicate("caught", ("import",)), node)
        self._block(node.body, body)
        for handler in node.handlers:
            self._block(handler.body, self._under(place, UNDECIDED, handler))
        self._block(node.orelse, self._after_imports(node, place))
        self._block(node.finalbody, place)

    def _after_imports(self, node: ast.Try | ast.TryStar, place: Place) -> Place:
        """Return the place of `else`: what the body imports was there."""
        for statement in node.body:
            if isinstance(statement, ast.Import):
                imported = Predicate("imported", (statement.names[0].name,))
                place = self._under(place, imported, statement)
        return place

    def _suppressing(self, node: ast.With | ast.AsyncWith, place: Place) -> Place:
        names = suppressed_by(node)
        if names & CATCHES_ABSENCE:
            place = self._under(place, Predicate("caught", ("absence",)), node)
        if names & CATCHES_IMPORT:
            place = self._under(place, Predicate("caught", ("import",)), node)
        return place

    def _import(self, node: ast.Import | ast.ImportFrom, place: Place) -> None:
        if isinstance(node, ast.Import):
            for alias in node.names:
                bound = alias.asname or alias.name.partition(".")[0]
                self._imported(alias.name, "", bound, node, place)
            return
        base = self.package[: len(self.package) - node.level + 1] if node.level else ()
        module = ".".join([*base, *([node.module] if node.module else [])])
        for alias in node.names:
            self._imported(module, alias.name, alias.asname or alias.name, node, place)

    def _imported(self, module: str, name: str, bound: str, node: ast.stmt, place: Place) -> None:
        where = self._at(node)
        site = ImportSite(module, name, bound, place.guards, place.inside, place.at_import, where)
        self.imports.append(site)
        if module.partition(".")[0] == "torch":
            return  # torch has a `_C` of its own
        last = (name or module).rpartition(".")[2]
        if last in self.extensions and (name or "." not in module or bound != module):
            self.operators.extensions[bound] = last
        elif name and name != "*" and module.rpartition(".")[2] in self.extensions:
            self.operators.taken(module.rpartition(".")[2], name, bound, node, place)


def _leaves(body: Sequence[ast.stmt]) -> bool:
    """Return whether a block never reaches its end."""
    for statement in body:
        match statement:
            case ast.Return() | ast.Raise() | ast.Continue() | ast.Break():
                return True
            case ast.If(_, inner, orelse) if orelse and _leaves(inner) and _leaves(orelse):
                return True
            case ast.Expr(ast.Call(function)) if dotted(function) in _LEAVING_CALLS:
                return True
            case ast.With(_, inner) if _leaves(inner):
                return True
    return False


def _names(node: ast.AST) -> tuple[str, ...]:
    """Return the plain names in an expression."""
    return tuple(inner.id for inner in ast.walk(node) if isinstance(inner, ast.Name))


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


def _answers(node: ast.ClassDef) -> bool:
    """Return whether a class has methods that a guard may ask."""
    return any(isinstance(inner, ast.FunctionDef) and may_answer(inner.name) for inner in node.body)


def _is_chain(node: ast.AST) -> bool:
    return isinstance(node, ast.Attribute | ast.Name) and bool(dotted(node))


def _is_plain(decorator: ast.expr) -> bool:
    name = dotted(decorator.func if isinstance(decorator, ast.Call) else decorator)
    return name.rpartition(".")[2] in _PLAIN_DECORATORS
