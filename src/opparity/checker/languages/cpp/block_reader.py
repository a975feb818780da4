"""What stands in a registration block: definitions, implementations, bindings, and what else."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from opparity.checker.facts.conditions import ALWAYS
from opparity.checker.facts.native import (
    HandedOn,
    Registration,
    RegistrationKind,
    Unfollowed,
)
from opparity.checker.facts.places import Location
from opparity.checker.languages.cpp.blocks import Block, Registered
from opparity.checker.languages.cpp.bound_functions import (
    KEY,
    bound_function,
    key_in,
    lambda_parameters,
    plain_name,
    split_name,
    unwrap_string,
)
from opparity.checker.languages.cpp.macro_expansion import expand_macro
from opparity.checker.languages.cpp.syntax import descend, parse, string_value, text_of
from opparity.checker.languages.cpp.syntax import field as child

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from tree_sitter import Node

    from opparity.checker.facts.conditions import Condition
    from opparity.checker.facts.native import Parameter

_DISPATCH_MACRO = re.compile(
    r"^(?:\w+_)?DISPATCH(?:_TO)?_?(CPU|CUDA|META|ALL|QUANTIZED_CPU|AUTOGRAD\w*)?$"
)
_ARGUMENT = re.compile(
    r'\s*(?:(?:py|pybind11|nb|nanobind)::arg\(\s*(?:"(\w+)")?\s*\)|"(\w+)"_a)'
    r"\s*(?:\.\w+\([^)]*\)\s*)*(=)?"
)
# What defines classes, values and the like, by a name that is written as a text.
_DEFINES_OTHER = re.compile(
    r"(?:^|::)(?:class_|enum_|native_enum|exception|register_exception\w*|bind_vector|bind_map|implicitly_\w+|"
    r"move|print|gil_\w+|cast|len|setattr|hasattr|getattr)\b"
)
_SUBMODULE = "def_submodule"
# The name that a text begins with: of an operator in its schema, of a class or of a value.
_LEADING = re.compile(r"(?:\w+::)?([A-Za-z_]\w*)")


def read_text(block: Block, text: str, location: Location) -> Registered:
    """Return what a macro's body registers where a block has it as a statement."""
    root = parse(f"void body() {{{text}}}".encode()).root_node
    found = BlockReader(block, location.path, lambda _: ALWAYS, {}).read(root)
    first = location.line - 1
    return found.moved(lambda place: Location(location.path, first + place.line), ALWAYS)


def _is_description(node: Node) -> bool:
    """Return whether a text describes what a `def` binds: it stands behind the function."""
    arguments = node.parent
    call = arguments.parent if arguments is not None else None
    if arguments is None or call is None or call.type != "call_expression":
        return False
    function = child(call, "function")
    method = child(function, "field") if function is not None else None
    is_def = method is not None and text_of(method) == "def"
    return is_def and node.start_byte != arguments.named_children[0].start_byte


class BlockReader:
    """Reads one block.

    Attributes:
        libraries: variables of the block that registrations are made on -> their libraries.
        macros: the file's own that take parameters and register.
    """

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
        self.libraries = {block.variable: block.library}
        self.found = Registered()

    def read(self, body: Node) -> Registered:
        """Return what everything in a body registers."""
        for node in descend(body):
            if node.type == "call_expression":
                self._call(node)
            elif node.type == "init_declarator":
                self._submodule(node)
            elif node.type == "string_literal" and not _is_description(node):
                name = _LEADING.match(string_value(node) or "")
                if name:
                    self.found.named.add(name[1])
        return self.found

    def _submodule(self, node: Node) -> None:
        """Take `auto inner = m.def_submodule("inner")`."""
        name, value = child(node, "declarator"), child(node, "value")
        if name is None or value is None or value.type != "call_expression":
            return
        library = self._library_of(value)
        if library is not None and _SUBMODULE in text_of(value):
            self.libraries[text_of(name).lstrip("&* ")] = library

    def _call(self, call: Node) -> None:
        function, arguments = child(call, "function"), child(call, "arguments")
        if function is None or arguments is None:
            return
        values = [part for part in arguments.named_children if part.type != "comment"]
        if not values:
            return
        name = text_of(function)
        if function.type == "field_expression":
            self._method(function, call, values)
        elif name in self.macros:
            self._expanded(name, call, values)
        elif _DISPATCH_MACRO.match(name):
            self.found.registrations.extend(self._dispatch_macro(name, call, values))
        else:
            self._hand_on(function, call, values)

    def _expanded(self, name: str, call: Node, values: list[Node]) -> None:
        """Take what a macro of the file registers, at the place where it is used."""
        text = expand_macro(self.macros[name], [text_of(value) for value in values])
        place = Location(self.path, call.start_point.row + 1, call.start_point.column + 1)
        condition = self.condition_at(place.line)
        inner = read_text(self.block, text, place)
        self.found.add(inner.moved(lambda _: place, condition))

    def _hand_on(self, function: Node, call: Node, values: list[Node]) -> None:
        """Take a function that is given the library, or a submodule."""
        name = plain_name(function)
        if not name or _DEFINES_OTHER.search(name) or name.isupper():
            return  # macros are looked for in the text, for those without arguments as well
        for value in values:
            library = self._given(value)
            if library is not None:
                line = call.start_point.row + 1
                self.found.handed_on.append(
                    HandedOn(
                        name,
                        library,
                        self.block.key,
                        self.block.style,
                        Location(self.path, line, call.start_point.column + 1),
                        self.condition_at(line),
                        self.block.helper,
                    )
                )
                return

    def _given(self, value: Node) -> str | None:
        """Return the library that an argument is; None for any other argument."""
        if value.type == "identifier":
            return self.libraries.get(text_of(value))
        is_submodule = value.type == "call_expression" and _SUBMODULE in text_of(value)
        return self._library_of(value) if is_submodule else None

    def _library_of(self, node: Node) -> str | None:
        """Return the library that a chain of method calls starts from; None for no library."""
        inner = ""
        current: Node | None = node
        while current is not None:
            if current.type == "identifier":
                library = self.libraries.get(text_of(current))
                return None if library is None else library + inner
            if current.type == "call_expression":
                function, arguments = child(current, "function"), child(current, "arguments")
                method = child(function, "field") if function is not None else None
                if method is not None and text_of(method) == _SUBMODULE and arguments is not None:
                    names = [unwrap_string(value) for value in arguments.named_children]
                    inner = f".{next(filter(None, names), '')}{inner}"
                current = function
            elif current.type == "field_expression":
                field_node = child(current, "field")
                known = {"def", "impl", "attr", _SUBMODULE}
                if field_node is not None and text_of(field_node) not in known:
                    return None
                current = child(current, "argument")
            else:
                return None
        return None

    def _method(self, function: Node, call: Node, values: list[Node]) -> None:
        field_node, receiver = child(function, "field"), child(function, "argument")
        method = text_of(field_node) if field_node else ""
        if method not in {"def", "impl"} or receiver is None:
            return
        library = self._library_of(receiver)
        if library is None:
            return
        first = unwrap_string(values[0])
        if first is None:
            line = call.start_point.row + 1
            place = Location(self.path, line, call.start_point.column + 1)
            text = " ".join(text_of(values[0]).split())
            self.found.unfollowed.append(Unfollowed(text, library, place, self.condition_at(line)))
        elif method == "impl":
            self.found.registrations.append(self._impl(call, library, first, values[1:]))
        elif self.block.style == "pybind":
            self.found.registrations.append(self._bind(call, library, first, values[1:]))
        else:
            self.found.registrations.extend(self._def(call, library, first, values[1:]))

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
            helper=self.block.helper,
            **fields,  # type: ignore[arg-type]
        )

    def _def(
        self, call: Node, library: str, schema: str, values: list[Node]
    ) -> Iterator[Registration]:
        library, operator = split_name(schema, library)
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
                    parameters=lambda_parameters(value),
                )
                return

    def _impl(self, call: Node, library: str, name: str, values: list[Node]) -> Registration:
        library, operator = split_name(name, library)
        key = self.block.key
        symbol = ""
        mentioned: tuple[str, ...] = ()
        parameters: tuple[Parameter, ...] | None = None
        for value in values:
            own_key = key_in(value)
            if own_key and KEY.search(text_of(value)):
                key = own_key
                continue
            key = own_key or key
            symbol, mentioned = bound_function(value)
            parameters = lambda_parameters(value)
        return self._make(
            call,
            kind=RegistrationKind.IMPL,
            library=library,
            operator=operator,
            style=self.block.style,
            key=key,
            symbol=symbol,
            mentioned=mentioned,
            parameters=parameters,
        )

    def _bind(self, call: Node, library: str, name: str, values: list[Node]) -> Registration:
        symbol, mentioned = bound_function(values[0]) if values else ("", ())
        names: list[str] = []
        defaults = 0
        for value in values[1:]:
            argument = _ARGUMENT.match(text_of(value))
            if argument:
                names.append(argument.group(1) or argument.group(2) or "")
                defaults += bool(argument.group(3))
        return self._make(
            call,
            kind=RegistrationKind.BIND,
            library=library,
            operator=name,
            style=self.block.style,
            symbol=symbol,
            mentioned=mentioned,
            argument_names=tuple(names),
            argument_defaults=defaults,
            parameters=lambda_parameters(values[0]) if values else None,
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
