"""Fakes of operators, and the functions whose signatures are schemas, in one file."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from opparity.checker.facts.python import Fake, Parameters
from opparity.checker.languages.python.tests_of_platform import dotted

if TYPE_CHECKING:
    from opparity.checker.facts.places import Location
    from opparity.checker.facts.python import Guard, PythonRegistration
    from opparity.checker.languages.python.bindings import Function

_REGISTERING = frozenset({"register_fake", "impl_abstract", "_register_fake"})
_DEFINING = frozenset({"custom_op", "triton_op"})
_META = "Meta"


@dataclass(slots=True)
class Fakes:
    """Collects a file's fakes.

    Attributes:
        functions: the functions at the file's margin, by name.
        operators: functions that define an operator -> its library and name.
        found: each fake, and the name of its function where that is not known yet.
        schemas: registrations, by number -> the function whose signature is the schema; and
        decorated: what that takes, where a decorator stands on it.
        computed: the names of operators with a fake that are put together, as they are written.
    """

    libraries: dict[str, str]
    functions: dict[str, Function] = field(default_factory=dict)
    operators: dict[str, tuple[str, str]] = field(default_factory=dict)
    found: list[tuple[Fake, str]] = field(default_factory=list)
    schemas: dict[int, str] = field(default_factory=dict)
    decorated: dict[int, Parameters | None] = field(default_factory=dict)
    compiled: set[str] = field(default_factory=set)
    computed: set[str] = field(default_factory=set)

    def defined(
        self, node: Function, name: str, place: Location, guards: tuple[Guard, ...]
    ) -> None:
        """Take a function with its decorators."""
        if "." not in name:
            self.functions[name] = node
        for decorator in node.decorator_list:
            call = decorator if isinstance(decorator, ast.Call) else None
            written = dotted(call.func if call else decorator)
            owner, _, last = written.rpartition(".")
            if written in {"torch.compile", "torch._dynamo.optimize", "torch.export.export"}:
                self.compiled.add(name)
            if call and last in _DEFINING:
                library, separator, operator = _text(call).partition("::")
                if separator:
                    self.operators[name] = (library, operator)
            faked = self._faked(call, owner, last)
            if faked:
                self.found.append((_fake(*faked, place, guards, parameters_of(node)), ""))

    def called(
        self, node: ast.Call, written: str, place: Location, guards: tuple[Guard, ...]
    ) -> None:
        """Take a call that may be `register_fake("library::name", function)`."""
        owner, _, last = written.rpartition(".")
        if written == "torch.compile" and node.args:
            self.compiled.add(dotted(node.args[0]))
        function = dotted(node.args[-1]) if len(node.args) > 1 else ""
        for keyword in node.keywords:
            if keyword.arg in {"func", "fn"}:
                function = dotted(keyword.value)
        faked = self._faked(node, owner, last) if function else None
        if faked:
            self.found.append((_fake(*faked, place, guards), function))

    def helped(self, node: ast.Call, number: int, registration: PythonRegistration) -> None:
        """Take a helper's call that defines an operator, with its function and its fake."""
        given = {keyword.arg: dotted(keyword.value) for keyword in node.keywords}
        function = given.get("op_func") or given.get("op") or given.get("func")
        if function:
            self.schemas[number] = function
        fake = given.get("fake_impl") or given.get("fake") or given.get("fake_func")
        if fake:
            one = Fake(
                registration.library,
                registration.operator,
                registration.location,
                registration.guards,
            )
            self.found.append((one, fake))

    def _faked(self, call: ast.Call | None, owner: str, last: str) -> tuple[str, str] | None:
        """Return (library, name) of what a decorator or call registers a fake for."""
        if last in _REGISTERING and owner in self.operators:
            return self.operators[owner]
        if call is None:
            return None
        text = _text(call)
        if last in _REGISTERING and call.args and isinstance(call.args[0], ast.JoinedStr):
            self.computed.add(ast.unparse(call.args[0]))
        if last in _REGISTERING:
            library, separator, operator = text.rpartition("::")
            if not separator:
                library = self.libraries.get(owner, "")
            return (library, operator) if library and operator else None
        texts = [each.value for each in call.args if isinstance(each, ast.Constant)]
        if last == "impl" and _META in texts:
            # lib.impl("name", f, "Meta"), or torch.library.impl(lib, "name", "Meta")
            first = dotted(call.args[0]) if call.args else ""
            library = self.libraries.get(owner) or self.libraries.get(first, "")
            named = [each for each in texts if isinstance(each, str) and each != _META]
            inner, separator, operator = named[0].rpartition("::") if named else ("", "", "")
            if operator and (library or separator):
                return inner or library, operator
        return None

    def settled(self) -> tuple[Fake, ...]:
        """Return the fakes, once every function of the file is known."""
        return tuple(
            replace(fake, parameters=self.parameters(function)) if function else fake
            for fake, function in self.found
        )

    def schema_of(self, number: int) -> Parameters | None:
        """Return the parameters of the function whose signature is a registration's schema."""
        if number in self.decorated:
            return self.decorated[number]
        return self.parameters(self.schemas[number])

    def parameters(self, function: str) -> Parameters | None:
        """Return the parameters of a function of the file."""
        node = self.functions.get(function)
        return parameters_of(node) if node is not None else None


def _fake(
    library: str,
    name: str,
    place: Location,
    guards: tuple[Guard, ...],
    parameters: Parameters | None = None,
) -> Fake:
    operator, _, overload = name.partition(".")
    own = "" if overload == "default" else overload
    return Fake(library, operator, place, guards, parameters, own)


def parameters_of(node: Function) -> Parameters | None:
    """Return what a function takes; None where its head may have been left out of the reading."""
    given = node.args
    if isinstance(node.body[0], ast.Pass) and not (given.args or given.kwonlyargs):
        return None
    return Parameters(
        tuple(each.arg for each in (*given.posonlyargs, *given.args)),
        len(given.defaults),
        tuple(
            (each.arg, default is not None)
            for each, default in zip(given.kwonlyargs, given.kw_defaults, strict=True)
        ),
        takes_rest=given.vararg is not None,
        takes_keywords=given.kwarg is not None,
    )


def _text(node: ast.Call) -> str:
    for candidate in (*node.args[:1], *(k.value for k in node.keywords if k.arg == "name")):
        if isinstance(candidate, ast.Constant) and isinstance(candidate.value, str):
            return candidate.value
    return ""
