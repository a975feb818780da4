"""What the arguments of a registration say: names, dispatch keys, the function that is bound."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from opparity.checker.languages.cpp.parameters import read_parameters
from opparity.checker.languages.cpp.syntax import descend, descend_to, string_value, text_of
from opparity.checker.languages.cpp.syntax import field as child

if TYPE_CHECKING:
    from tree_sitter import Node

    from opparity.checker.facts.native import Parameter

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
KEY = re.compile(
    r"(?:^|::)k(CPU|CUDA|HIP|Meta|XPU|MPS|PrivateUse1|HPU|MTIA)$|"
    r"DispatchKey::(\w+)$"
)
_NOT_FUNCTIONS = frozenset({"if", "for", "while", "switch", "return", "sizeof", "decltype"})


def unwrap_string(node: Node) -> str | None:
    """Return a literal, also inside TORCH_SELECTIVE_NAME(…) and its kind.

    Of `"name(int size=" STRING(SIZE) ") -> Tensor"`, which the grammar cannot follow, the name, and
    of `"name(Tensor x" MORE ") -> Tensor"` too: what a macro adds is not known.
    """
    if node.type == "concatenated_string" and _has_macro(node):
        first = string_value(node.named_children[0]) or ""
        return first.partition("(")[0] if "(" in first else None
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


def _has_macro(node: Node) -> bool:
    """Return whether a literal of several parts has one that is no literal."""
    return any(string_value(part) is None for part in node.named_children if part.type != "comment")


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
            found = KEY.search(text_of(part))
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
            name = plain_name(function) if function else ""
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
        name = plain_name(function)
        if name in _WRAPPERS or name.endswith("_cast") or "cast<" in text_of(function):
            for part in reversed(arguments.named_children):
                inner = _function_name(part)
                if inner and not KEY.search(inner):
                    return inner
        return ""
    name = plain_name(node)
    return "" if KEY.search(name) else name


def plain_name(node: Node) -> str:
    """Return a name without template arguments; "" for what is no name."""
    if node.type == "template_function":
        name = child(node, "name")
        return text_of(name) if name else ""
    if node.type == "qualified_identifier":
        scope, name = child(node, "scope"), child(node, "name")
        left = _without_arguments(text_of(scope)) if scope else ""
        right = plain_name(name) if name else ""
        return f"{left}::{right}" if left else right
    text = text_of(node)
    return text if text.isidentifier() else ""


def _without_arguments(text: str) -> str:
    """Return a scope without what stands from its first angle bracket to its last."""
    start, end = text.find("<"), text.rfind(">")
    return text[:start] + text[end + 1 :] if 0 <= start < end else text


def lambda_parameters(node: Node) -> tuple[Parameter, ...] | None:
    """Return the parameters of a lambda that is bound; None for anything else."""
    if node.type != "lambda_expression":
        return None
    declarator = child(node, "declarator")
    parameters = child(declarator, "parameters") if declarator is not None else None
    return read_parameters(parameters) if parameters is not None else ()
