"""Registrations of operators: torch's libraries, pybind11, TVM-FFI and projects' macros."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from opparity.checker.facts.conditions import ALWAYS
from opparity.checker.facts.native import Registration, RegistrationKind
from opparity.checker.facts.places import Location
from opparity.checker.languages.cpp.macro_expansion import expand_macro
from opparity.checker.languages.cpp.syntax import descend, descend_to, parse, string_value, text_of
from opparity.checker.languages.cpp.syntax import field as child

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from tree_sitter import Node

    from opparity.checker.facts.conditions import Condition
    from opparity.checker.facts.native import Signature

_LIBRARY_MACRO = re.compile(
    r"^(?:STABLE_)?TORCH_LIBRARY(_FRAGMENT|_IMPL)?(_EXPAND)?$|"
    r"^(?:\w+_)?TORCH_LIBRARY(_FRAGMENT|_IMPL)?(_EXPAND)?$"
)
_PYBIND_MACROS = frozenset({"PYBIND11_MODULE", "NB_MODULE", "PYBIND11_MODULE_EXPAND"})
_DISPATCH_MACRO = re.compile(
    r"^(?:\w+_)?DISPATCH(?:_TO)?_?(CPU|CUDA|META|ALL|QUANTIZED_CPU|AUTOGRAD\w*)?$"
)
_WRAPPERS = frozenset(
    {
        "TORCH_BOX",
        "TORCH_FN",
        "TORCH_SELECTIVE_NAME",
        "TORCH_SELECTIVE_SCHEMA",
        "torch::dispatch",
        "c10::dispatch",
        "dispatch",
        "CppFunction",
        "torch::CppFunction",
        "torch::CppFunction::makeFromBoxedFunction",
        "torch::CppFunction::makeFromBoxedKernel",
        "std::move",
        "py::overload_cast",
        "torch::schema",
    }
)
_KEY = re.compile(
    r"(?:^|::)k(CPU|CUDA|HIP|Meta|XPU|MPS|PrivateUse1|HPU|MTIA)$|"
    r"DispatchKey::(\w+)$"
)
_MODULE_TYPE = re.compile(
    r"\b(?:py|pybind11|nb|nanobind)::module_?\b|\bpybind11::module\b|torch::Library\b"
)
_NOT_FUNCTIONS = frozenset({"if", "for", "while", "switch", "return", "sizeof", "decltype"})


@dataclass(frozen=True, slots=True)
class Block:
    """The body that registrations stand in."""

    variable: str
    library: str
    key: str
    style: str
    scope: tuple[str, ...] = ()


def read_blocks(
    bodies: list[tuple[Node, Signature]],
    path: str,
    condition_at: Callable[[int], Condition],
    macros: Mapping[str, str],
) -> list[Registration]:
    """Return the registrations in the bodies of a file's functions.

    `macros` are the file's own that take parameters and register.
    """
    found: list[Registration] = []
    for block, body in registration_blocks(bodies):
        reader = _BlockReader(block, path, condition_at, macros)
        for call in descend(body):
            found.extend(reader.read(call))
    return found


def registration_blocks(bodies: list[tuple[Node, Signature]]) -> Iterator[tuple[Block, Node]]:
    """Yield the blocks that macros open among a file's functions, each with its body."""
    for node, signature in bodies:
        block = _block(node, signature)
        body = child(node, "body")
        if block is not None and body is not None:
            yield replace(block, scope=signature.namespace), body


def read_text(block: Block, text: str, location: Location) -> list[Registration]:
    """Return what a macro's body registers where a block has it as a statement."""
    root = parse(f"void body() {{{text}}}".encode()).root_node
    reader = _BlockReader(block, location.path, lambda _: ALWAYS, {})
    found = [each for call in descend(root) for each in reader.read(call)]
    return [
        replace(each, location=Location(location.path, location.line + each.location.line - 1))
        for each in found
    ]


def _block(node: Node, signature: Signature) -> Block | None:
    name = signature.name
    is_library, is_module = bool(_LIBRARY_MACRO.match(name)), name in _PYBIND_MACROS
    arguments = _macro_arguments(child(node, "declarator")) if is_library or is_module else []
    if is_library and len(arguments) >= 2:  # noqa: PLR2004 -- library, variable
        style = "stable" if name.startswith("STABLE_") else "torch_library"
        key = arguments[1] if "_IMPL" in name and len(arguments) > 2 else ""  # noqa: PLR2004
        return Block(arguments[-1], arguments[0], key, style)
    if is_module and len(arguments) >= 2:  # noqa: PLR2004
        return Block(arguments[1], arguments[0], "", "pybind")
    for parameter in signature.parameters:
        if _MODULE_TYPE.search(parameter.type):
            style = "torch_library" if "Library" in parameter.type else "pybind"
            return Block(parameter.name, "", "", style)
    return None


def _macro_arguments(declarator: Node | None) -> list[str]:
    """Return the comma-separated arguments of a macro that looks like a function's head."""
    if declarator is None:
        return []
    parameters = child(declarator, "parameters")
    if parameters is None:
        return []
    arguments, depth = [""], 0
    for character in text_of(parameters)[1:-1]:
        depth += (character in "([") - (character in ")]")
        if character == "," and depth == 0:
            arguments.append("")
        elif not character.isspace():
            arguments[-1] += character
    return arguments


class _BlockReader:
    def __init__(
        self,
        block: Block,
        path: str,
        condition_at: Callable[[int], Condition],
        macros: Mapping[str, str],
    ) -> None:
        self.block = block
        self.path = path
        self.condition_at = condition_at
        self.macros = macros

    def read(self, call: Node) -> Iterator[Registration]:
        """Yield what one call registers, if anything."""
        if call.type != "call_expression":
            return
        function, arguments = child(call, "function"), child(call, "arguments")
        if function is None or arguments is None:
            return
        values = [part for part in arguments.named_children if part.type != "comment"]
        if not values:
            return
        name = text_of(function)
        if function.type == "field_expression":
            yield from self._method(function, call, values)
        elif name in self.macros:
            yield from self._expanded(name, call, values)
        elif _DISPATCH_MACRO.match(name):
            yield from self._dispatch_macro(name, call, values)

    def _expanded(self, name: str, call: Node, values: list[Node]) -> Iterator[Registration]:
        """Yield what a macro of the file registers, at the place where it is used."""
        text = expand_macro(self.macros[name], [text_of(value) for value in values])
        place = Location(self.path, call.start_point.row + 1, call.start_point.column + 1)
        for registration in read_text(self.block, text, place):
            yield replace(registration, location=place, condition=self.condition_at(place.line))

    def _method(self, function: Node, call: Node, values: list[Node]) -> Iterator[Registration]:
        field_node, receiver = child(function, "field"), child(function, "argument")
        method = text_of(field_node) if field_node else ""
        if method not in {"def", "impl"} or receiver is None:
            return
        if _chain_root(receiver) != self.block.variable:
            return
        first = unwrap_string(values[0])
        if first is None:
            return
        if method == "impl":
            yield self._impl(call, first, values[1:])
        elif self.block.style == "pybind":
            yield self._bind(call, first, values[1:])
        else:
            yield from self._def(call, first, values[1:])

    def _make(self, call: Node, **fields: object) -> Registration:
        line = call.start_point.row + 1
        field_node = child(call, "function")
        if field_node is not None:
            # In a chain the call starts where the chain does; the name is on the call's own line.
            line = field_node.end_point.row + 1
        column = call.start_point.column + 1 if line == call.start_point.row + 1 else 1
        return Registration(
            location=Location(self.path, line, column),
            condition=self.condition_at(line),
            scope=self.block.scope,
            **fields,  # type: ignore[arg-type]
        )

    def _def(self, call: Node, schema: str, values: list[Node]) -> Iterator[Registration]:
        library, operator = split_name(schema, self.block.library)
        style = self.block.style
        yield self._make(
            call,
            kind=RegistrationKind.DEF,
            library=library,
            operator=operator,
            style=style,
            schema=schema if "(" in schema else "",
        )
        for value in values:
            symbol, mentioned = bound_function(value)
            if symbol or mentioned:
                yield self._make(
                    call,
                    kind=RegistrationKind.IMPL,
                    library=library,
                    operator=operator,
                    style=style,
                    key=key_in(value) or self.block.key,
                    symbol=symbol,
                    mentioned=mentioned,
                )
                return

    def _impl(self, call: Node, name: str, values: list[Node]) -> Registration:
        library, operator = split_name(name, self.block.library)
        key = self.block.key
        symbol = ""
        mentioned: tuple[str, ...] = ()
        for value in values:
            own_key = key_in(value)
            if own_key and _KEY.search(text_of(value)):
                key = own_key
                continue
            key = own_key or key
            symbol, mentioned = bound_function(value)
        return self._make(
            call,
            kind=RegistrationKind.IMPL,
            library=library,
            operator=operator,
            style=self.block.style,
            key=key,
            symbol=symbol,
            mentioned=mentioned,
        )

    def _bind(self, call: Node, name: str, values: list[Node]) -> Registration:
        symbol, mentioned = bound_function(values[0]) if values else ("", ())
        names: list[str] = []
        defaults = 0
        for value in values[1:]:
            argument = re.match(
                r'\s*(?:(?:py|pybind11|nb)::arg\(\s*"(\w+)"\s*\)|"(\w+)"_a)\s*(?:\.\w+\([^)]*\)\s*)*(=)?',
                text_of(value),
            )
            if argument:
                names.append(argument.group(1) or argument.group(2))
                defaults += bool(argument.group(3))
        return self._make(
            call,
            kind=RegistrationKind.BIND,
            library=self.block.library,
            operator=name,
            style=self.block.style,
            symbol=symbol,
            mentioned=mentioned,
            argument_names=tuple(names),
            argument_defaults=defaults,
        )

    def _dispatch_macro(self, name: str, call: Node, values: list[Node]) -> Iterator[Registration]:
        strings = [(index, unwrap_string(value)) for index, value in enumerate(values)]
        named = [(index, text) for index, text in strings if text]
        if not named:
            return
        index, text = named[0]
        key_match = _DISPATCH_MACRO.match(name)
        key = (key_match.group(1) if key_match else "") or ""
        if index == 1 and not key:
            key = text_of(values[0])
        library, operator = split_name(text, self.block.library)
        symbol, mentioned = (
            bound_function(values[index + 1]) if index + 1 < len(values) else ("", ())
        )
        yield self._make(
            call,
            kind=RegistrationKind.IMPL,
            library=library,
            operator=operator,
            style="dispatch_macro",
            key={"META": "Meta", "ALL": ""}.get(key, key),
            symbol=symbol,
            mentioned=mentioned,
        )


def _chain_root(node: Node) -> str:
    """Return the variable that a chain of method calls starts from."""
    current: Node | None = node
    while current is not None:
        if current.type == "identifier":
            return text_of(current)
        if current.type == "call_expression":
            current = child(current, "function")
        elif current.type == "field_expression":
            field_node = child(current, "field")
            if field_node is not None and text_of(field_node) not in {"def", "impl", "attr"}:
                return ""
            current = child(current, "argument")
        else:
            return ""
    return ""


def unwrap_string(node: Node) -> str | None:
    """Return a literal, also inside TORCH_SELECTIVE_NAME(…) and its kind.

    Of `"name(int size=" STRING(SIZE) ") -> Tensor"`, which the grammar cannot follow, the name.
    """
    if node.type == "ERROR":
        literals = [part for part in node.named_children[:1] if part.type == "string_literal"]
        return (string_value(literals[0]) or "").partition("(")[0] if literals else None
    value = string_value(node)
    if value is not None:
        return value
    if node.type == "call_expression":
        function, arguments = child(node, "function"), child(node, "arguments")
        if function is not None and arguments is not None and text_of(function) in _WRAPPERS:
            parts = arguments.named_children
            return unwrap_string(parts[0]) if parts else None
    return None


def split_name(schema: str, library: str) -> tuple[str, str]:
    """Return the library and operator that a schema or name says."""
    name = schema.partition("(")[0].partition("->")[0].strip()
    if "::" in name:
        library, _, name = name.rpartition("::")
    return library, name.partition(".")[0]


def key_in(node: Node) -> str:
    """Return the dispatch key that an argument names; "" for none."""
    for part in descend(node):
        if part.type in {"qualified_identifier", "identifier"}:
            found = _KEY.search(text_of(part))
            if found:
                return found.group(1) or found.group(2) or ""
        if part.type == "lambda_expression":
            break
    return ""


def bound_function(node: Node) -> tuple[str, tuple[str, ...]]:
    """Return the function that an argument names, or those that a lambda calls."""
    for lambda_node in descend_to(node, frozenset({"lambda_expression"})):
        return "", _called_in(lambda_node)
    name = _function_name(node)
    return (name, ()) if name else ("", ())


def _called_in(node: Node) -> tuple[str, ...]:
    names: dict[str, None] = {}
    for part in descend(node):
        if part.type == "call_expression":
            function = child(part, "function")
            name = _plain_name(function) if function else ""
            if name and name not in _NOT_FUNCTIONS:
                names[name] = None
    return tuple(names)


def _function_name(node: Node) -> str:
    """Return the function's name behind &, casts and torch's wrappers."""
    if node.type in {"pointer_expression", "parenthesized_expression", "unary_expression"}:
        parts = node.named_children
        return _function_name(parts[-1]) if parts else ""
    if node.type == "cast_expression":
        value = child(node, "value")
        return _function_name(value) if value else ""
    if node.type == "call_expression":
        function, arguments = child(node, "function"), child(node, "arguments")
        if function is None or arguments is None:
            return ""
        name = _plain_name(function)
        if name in _WRAPPERS or name.endswith("_cast") or "cast<" in text_of(function):
            for part in reversed(arguments.named_children):
                inner = _function_name(part)
                if inner and not _KEY.search(inner):
                    return inner
        return ""
    name = _plain_name(node)
    return "" if _KEY.search(name) else name


def _plain_name(node: Node) -> str:
    """Return a name without template arguments; "" for what is no name."""
    if node.type == "template_function":
        name = child(node, "name")
        return text_of(name) if name else ""
    if node.type == "qualified_identifier":
        scope, name = child(node, "scope"), child(node, "name")
        left = re.sub(r"<.*>", "", text_of(scope), flags=re.DOTALL) if scope else ""
        right = _plain_name(name) if name else ""
        return f"{left}::{right}" if left else right
    text = text_of(node)
    return text if text.isidentifier() else ""
