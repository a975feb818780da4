"""Operators in one file: calls and reads of `torch.ops`, fakes, definitions, tables."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from opparity.checker.facts.places import Location
from opparity.checker.facts.python import Call, CallKind, PythonRegistration, TableUse
from opparity.checker.languages.python.fakes import Fakes
from opparity.checker.languages.python.records import Computed
from opparity.checker.languages.python.starred import count_of
from opparity.checker.languages.python.templates import names_given_in, template_of
from opparity.checker.languages.python.tests_of_platform import dotted, operator_named

if TYPE_CHECKING:
    from collections.abc import Iterable

    from opparity.checker.facts.python import Guard
    from opparity.checker.languages.python.bindings import Function
    from opparity.checker.languages.python.records import Place

_FAKES = frozenset({"register_fake", "impl_abstract", "register_autograd", "register_vmap"})
_DEFINING = frozenset({"custom_op", "triton_op", "define"})
_BY_SIGNATURE = frozenset({"custom_op", "triton_op"})
_DIRECT = re.compile(r"(?:^|_)register_(?:custom_)?op$")
_TABLE_NAME = re.compile(r"_?[A-Z][A-Z0-9_]+$")
SCHEMA = re.compile(r"\s*(?:(?P<library>\w+)::)?(?P<operator>\w+)")
# What `getattr` of an operator packet is, no overload.
_PACKET_ATTRIBUTES = frozenset({"default", "out", "overloads"})


@dataclass(slots=True)
class OperatorUses:
    """Collects what one file does with operators.

    Attributes:
        computed: definitions whose operator's name is put together from other names, or by calls.
        around: the functions around what is read, outermost first.
        libraries: `name = torch.library.Library("_C", …)` -> "_C".
        named_libraries: the same of `Library(NAME, …)` -> "{NAME}".
        extensions: names bound to extension modules -> the module's last name.
        decorating: the function whose decorators are read.
        functions: names that an extension module gives -> (the module's last name, its name there);
            and
        taken_under: the guards of the imports that give them.
        passing: names bound to modules that pass on extension modules' names -> those names.
    """

    path: str
    calls: list[Call] = field(default_factory=list)
    registrations: list[PythonRegistration] = field(default_factory=list)
    computed: list[Computed] = field(default_factory=list)
    around: list[Function] = field(default_factory=list)
    table_uses: list[TableUse] = field(default_factory=list)
    libraries: dict[str, str] = field(default_factory=dict)
    named_libraries: dict[str, str] = field(default_factory=dict)
    extensions: dict[str, str] = field(default_factory=dict)
    functions: dict[str, tuple[str, str]] = field(default_factory=dict)
    taken_under: dict[str, tuple[Guard, ...]] = field(default_factory=dict)
    passing: dict[str, dict[str, tuple[str, str]]] = field(default_factory=dict)
    fakes: Fakes = field(init=False)
    decorating: str = ""

    def __post_init__(self) -> None:
        self.fakes = Fakes(self.libraries)

    def at(self, node: ast.AST) -> Location:
        """Return a node's place."""
        return Location(self.path, getattr(node, "lineno", 1), getattr(node, "col_offset", 0) + 1)

    def record(self, node: ast.expr, name: str, place: Place) -> bool:
        """Record an expression if it touches an operator, and return whether it did.

        `name` is what the expression, or the function that it calls, is written as: `a.b.c`.
        """
        if isinstance(node, ast.Call):
            if self._registers(node, name, place):
                return True
            if self._touch(CallKind.CALL, name, node.func, node, place):
                return True
            return name == "getattr" and self._get_attribute(node, place)
        if isinstance(node, ast.Attribute):
            if isinstance(node.ctx, ast.Load):
                return self._touch(CallKind.READ, name, node, node, place)
        elif isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Load):
            self._table_read(node, place)
        return False

    def _touch(
        self, kind: CallKind, name: str, written: ast.expr, node: ast.expr, place: Place
    ) -> bool:
        """Record a use of `torch.ops` or of an extension module's function, if it is one."""
        found = operator_named(name)
        inside = self._in_extension(written) if found is None else None
        if isinstance(written, ast.Name):
            place = place.under(self.taken_under.get(written.id, ()))
        if found or inside:
            self._add(kind, found or inside or ("", "", ""), node, place, of_module=found is None)
        return bool(found or inside)

    def taken(self, module: str, name: str, bound: str, node: ast.stmt, place: Place) -> None:
        """Record `from module import name as bound`, of an extension module."""
        if place.at_import:
            self.functions[bound] = (module, name)
            self.taken_under[bound] = place.guards
        self._add(CallKind.READ, (module, name, ""), node, place, of_module=True)

    def passed_on(self, bound: str, origin: tuple[str, str], place: Place) -> None:
        """Note `from module import name as bound`, where the module has it from an extension."""
        if place.at_import:
            self.functions[bound] = origin
            self.taken_under[bound] = place.guards

    def held(self, calls: Iterable[tuple[ast.Call, ast.expr]], start: int) -> None:
        """Record calls of variables that hold an operator: where each is read is known.

        Args:
            calls: the calls, each with what the variable may hold.
            start: the first use that was recorded in the function.
        """
        reads = {each.location: each for each in self.calls[start:] if each.kind is CallKind.READ}
        for node, value in calls if reads else ():
            read = reads.get(self.at(value))
            if read is not None:
                count, keywords = _arguments(node, self.around)
                self.calls.append(
                    replace(
                        read,
                        kind=CallKind.CALL,
                        location=self.at(node),
                        argument_count=count,
                        keywords=keywords,
                        is_compared=False,
                    )
                )

    def asserted(self, node: ast.expr, place: Place) -> None:
        """Record an assertion's `key in TABLE`."""
        if isinstance(node, ast.Compare):
            self._table_membership(node, place)

    def _in_extension(self, node: ast.expr) -> tuple[str, str, str] | None:
        """Return (module, function, "") of `extension.function` or `extension.inner.function`."""
        if isinstance(node, ast.Name):
            return (*self.functions[node.id], "") if node.id in self.functions else None
        parts = dotted(node).split(".")
        passed = self.passing.get(parts[0], {}) if len(parts) == len(("module", "name")) else {}
        if parts[-1] in passed:
            return (*passed[parts[-1]], "")
        if len(parts) > 1 and parts[0] in self.extensions:
            return ".".join([self.extensions[parts[0]], *parts[1:-1]]), parts[-1], ""
        return None

    def _add(
        self,
        kind: CallKind,
        found: tuple[str, str, str],
        node: ast.AST,
        place: Place,
        *,
        of_module: bool = False,
    ) -> None:
        library, operator, overload = found
        count, keywords = -1, tuple[str, ...]()
        if kind is CallKind.CALL and isinstance(node, ast.Call):
            count, keywords = _arguments(node, self.around)
        self.calls.append(
            Call(
                kind,
                library,
                operator,
                self.at(node),
                place.guards,
                overload,
                place.at_import,
                place.inside,
                count,
                keywords,
                is_compared=place.is_compared and kind is CallKind.READ,
                of_module=of_module,
            )
        )

    def _get_attribute(self, node: ast.Call, place: Place) -> bool:
        """Record `getattr(torch.ops.X, "y")`, and of an extension module.

        With a default it is a guard of its own.
        """
        if len(node.args) != 2:  # noqa: PLR2004 -- no default
            return False
        owner, name = dotted(node.args[0]), node.args[1]
        if not isinstance(name, ast.Constant):
            return False
        of_module = owner in self.extensions
        if not of_module and not owner.startswith("torch.ops."):
            return False
        library = self.extensions[owner] if of_module else owner.removeprefix("torch.ops.")
        self._add(CallKind.READ, (library, str(name.value), ""), node, place, of_module=of_module)
        return True

    # ---- registrations from Python

    def _registers(self, node: ast.Call, name: str, place: Place) -> bool:
        last = name.rpartition(".")[2]
        self.fakes.called(node, name, self.at(node), place.guards)
        if last in _FAKES:
            library, separator, operator = _first_text(node).partition("::")
            if separator:
                found = (library, operator.partition(".")[0], "")
                self._add(CallKind.REGISTER_FAKE, found, node, place)
                return True
        if last in _DEFINING or is_helper(last):
            self._defines(node, name, place)
        return False

    def _defines(self, node: ast.Call, name: str, place: Place) -> None:
        written = _naming(node)
        text = template_of(written) + _schema_beside(node, name) if written else ""
        match = SCHEMA.match(text) if "{" not in text else None
        owner = name.rpartition(".")[0]
        if written is None or (match is None and not self._surely_defines(name, owner, text)):
            return
        library = (match and match["library"]) or self.libraries.get(owner, "")
        library = library or self.named_libraries.get(owner, "")
        for keyword in node.keywords:
            if keyword.arg == "target_lib":
                library = self.libraries.get(dotted(keyword.value), "") or library
        # The helper's own library is looked up when every file is known.
        inside = "" if place.at_import else place.inside
        registration = PythonRegistration(
            library,
            match["operator"] if match else "",
            self.at(node),
            place.guards,
            inside,
            text if "(" in text or not match else "",
            is_definition=not is_helper(name),
            is_decorator=bool(self.decorating),
        )
        if match is None:
            own = frozenset(name for function in self.around for name in names_given_in(function))
            self.computed.append(Computed(registration, ast.unparse(written), own))
            return
        number = len(self.registrations)
        self.registrations.append(registration)
        if name.rpartition(".")[2] in _BY_SIGNATURE:
            function = self.decorating or (dotted(node.args[1]) if len(node.args) > 1 else "")
            self.fakes.schemas[number] = function
            if self.decorating:  # a later function may have the same name: `_`
                self.fakes.decorated[number] = self.fakes.parameters(function)
        elif is_helper(name):
            self.fakes.helped(node, number, registration)

    def _surely_defines(self, name: str, owner: str, template: str) -> bool:
        """Return whether a call defines an operator whose name is computed: no other `define`."""
        return (
            name.rpartition(".")[2] in _BY_SIGNATURE
            or is_helper(name)
            or owner in self.libraries
            or owner in self.named_libraries
            or owner.endswith("torch.library")
            or "->" in template
        )

    def settled(self) -> tuple[PythonRegistration, ...]:
        """Return the registrations, once every function of the file is known."""
        return tuple(
            replace(each, parameters=self.fakes.schema_of(number))
            if number in self.fakes.schemas
            else each
            for number, each in enumerate(self.registrations)
        )

    # ---- assignments

    def store(self, node: ast.stmt, place: Place) -> None:
        """Record `LIBRARY = Library("X", …)` and `TABLE[key] = value`."""
        if not isinstance(node, ast.Assign | ast.AnnAssign) or node.value is None:
            return
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        for target in targets:
            if isinstance(target, ast.Subscript):
                table = dotted(target.value)
                if _TABLE_NAME.match(table):
                    self._table_use(table, target.slice, place, stored=node.value)
            elif isinstance(target, ast.Name):
                self._named_value(target.id, node.value, place)

    def _named_value(self, name: str, value: ast.expr, place: Place) -> None:
        if isinstance(value, ast.Call) and dotted(value.func).rpartition(".")[2] == "Library":
            text = _first_text(value)
            if text:
                self.libraries[name] = text
            elif value.args:
                self.named_libraries[name] = template_of(value.args[0])
        if isinstance(value, ast.Dict) and place.at_import and _TABLE_NAME.match(name):
            for key, stored in zip(value.keys, value.values, strict=True):
                if key is not None:
                    self._table_use(name, key, place, stored=stored)

    def _table_read(self, node: ast.Subscript, place: Place) -> None:
        table = dotted(node.value)
        if _TABLE_NAME.match(table):
            self._table_use(table, node.slice, place)

    def _table_membership(self, node: ast.Compare, place: Place) -> None:
        """Record the `key in TABLE` of an assertion, which fails where the key is missing."""
        table = dotted(node.comparators[0])
        if isinstance(node.ops[0], ast.In) and _TABLE_NAME.match(table):
            self._table_use(table, node.left, place)

    def _table_use(
        self, table: str, key: ast.expr, place: Place, stored: ast.expr | None = None
    ) -> None:
        use = TableUse(
            table,
            ast.unparse(key),
            self.at(key),
            is_store=stored is not None,
            guards=place.guards,
            at_import=place.at_import,
            function=dotted(stored) if stored is not None else "",
            inside=place.inside,
        )
        self.table_uses.append(use)


def is_helper(function: str) -> bool:
    """Return whether a function defines operators by its name, so that its calls are read."""
    return _DIRECT.search(function.rpartition(".")[2]) is not None


def _first_text(node: ast.Call) -> str:
    """Return the first argument, or `op_name=`, where it is a constant text."""
    for candidate in _namings(node):
        if isinstance(candidate, ast.Constant) and isinstance(candidate.value, str):
            return candidate.value
    return ""


def _naming(node: ast.Call) -> ast.expr | None:
    """Return what names the operator that a call defines: a constant text, else the first."""
    candidates = _namings(node)
    texts = (each for each in candidates if isinstance(each, ast.Constant))
    return next((each for each in texts if isinstance(each.value, str)), (*candidates, None)[0])


def _namings(node: ast.Call) -> list[ast.expr]:
    keywords = [each.value for each in node.keywords if each.arg in {"op_name", "name"}]
    return [*node.args[:1], *keywords]


def _schema_beside(node: ast.Call, name: str) -> str:
    """Return the schema that stands behind the name: `torch.library.define(name, schema)`."""
    given = [*node.args[1:2], *(each.value for each in node.keywords if each.arg == "schema")]
    for each in given if name.endswith("library.define") else ():
        if isinstance(each, ast.Constant) and isinstance(each.value, str):
            return each.value if each.value.lstrip().startswith("(") else ""
    return ""


def _arguments(node: ast.Call, around: list[Function]) -> tuple[int, tuple[str, ...]]:
    """Return how many arguments a call gives (-1 for any number), and the keywords' names."""
    keywords = tuple(keyword.arg for keyword in node.keywords if keyword.arg is not None)
    given = count_of(node, around) if len(keywords) == len(node.keywords) else -1
    return (given + len(keywords) if given >= 0 else -1), keywords
