"""Types and parameters as C++ writes them, in one spelling each."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

from opparity.checker.facts.native import Parameter
from opparity.checker.languages.cpp.syntax import field as child
from opparity.checker.languages.cpp.syntax import text_of

if TYPE_CHECKING:
    from tree_sitter import Node

_DEEPEST_DECLARATOR = 60
_MOST_KNOWN = 20_000
_known_parameters: dict[tuple[str, bytes], Parameter] = {}
_SPACES = re.compile(r"\s+")
_AROUND_PUNCTUATION = re.compile(r" ?(::|[<>,*&()]) ?")
_ATTRIBUTES = re.compile(
    r"\b(?:__restrict__|__restrict|restrict|__grid_constant__|typename|struct|class|enum)\b"
    r"|\[\[(?:[^\]\n]|\](?!\]))*+(?:\]\])?|/\*.*?(?:\*/|$)|//[^\n]*"
)


@lru_cache(maxsize=20_000)  # vLLM 0.33.0 writes 20,900 types, 1,178 different ones
def normalise_type(text: str) -> str:
    """Return a type's text with canonical spacing, without attributes."""
    text = _SPACES.sub(" ", _ATTRIBUTES.sub(" ", text)).strip()
    return _AROUND_PUNCTUATION.sub(r"\1", text).strip()


def split_arguments(text: str) -> tuple[str, ...]:
    """Return the arguments of a list, in canonical spacing; commas inside brackets do not part."""
    parts, depth = [""], 0
    for character in text:
        depth += (character in "<([{") - (character in ">)]}")
        if character == "," and depth <= 0:
            parts.append("")
        else:
            parts[-1] += character
    return tuple(part for part in map(normalise_type, parts) if part)


def read_parameters(node: Node) -> tuple[Parameter, ...]:
    """Return the parameters of a function's or a lambda's list."""
    found: list[Parameter] = []
    for part in node.named_children:
        if part.type in {"parameter_declaration", "optional_parameter_declaration"}:
            found.append(_parameter(part))
        elif part.type == "variadic_parameter_declaration":
            found.append(Parameter("..."))
    if len(found) == 1 and found[0] == Parameter("void"):
        return ()
    return tuple(found)


def _parameter(node: Node) -> Parameter:
    """Return a parameter; the same text is the same one wherever it stands.

    vLLM 0.33.0 has 17,231 parameters, 5,169 different ones.
    """
    key = (node.type, node.text or b"")
    found = _known_parameters.get(key)
    if found is None:
        found = _new_parameter(node)
        if len(_known_parameters) < _MOST_KNOWN:
            _known_parameters[key] = found
    return found


def _new_parameter(node: Node) -> Parameter:
    default = child(node, "default_value")
    text = node.text or b""
    end = len(text)
    if default is not None:
        end = text.rfind(b"=", 0, default.start_byte - node.start_byte)
    name_node = _declared_name(child(node, "declarator"))
    if name_node is None:
        return Parameter(normalise_type(_decode(text[:end])), has_default=default is not None)
    start = name_node.start_byte - node.start_byte
    stop = name_node.end_byte - node.start_byte
    kind = _decode(text[:start]) + " " + _decode(text[stop:end])
    return Parameter(normalise_type(kind), text_of(name_node), has_default=default is not None)


def _decode(text: bytes) -> str:
    return text.decode("utf-8", errors="replace")


def _declared_name(node: Node | None) -> Node | None:
    depth = 0
    while node is not None and depth < _DEEPEST_DECLARATOR:
        if node.type == "identifier":
            return node
        depth += 1
        inner = child(node, "declarator")
        if inner is None:
            parts = [
                part
                for part in node.named_children
                if "declarator" in part.type or part.type == "identifier"
            ]
            inner = parts[0] if parts else None
        node = inner
    return None
